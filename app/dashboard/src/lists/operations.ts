import { graphql } from "../api/graphql";

export const FindBySourceId = graphql(`
  query FindBySourceId($refs: [CustomerRef!]!) {
    customersByRef(refs: $refs) {
      id
      sourceId
      name
      email
    }
  }
`);

export const FindByEmail = graphql(`
  query FindByEmail($emails: [String!]!) {
    customersByEmail(emails: $emails) {
      email
      customers {
        id
        sourceId
        name
        email
      }
    }
  }
`);

export const ReadListMembers = graphql(`
  query ReadListMembers($id: ID!, $after: String) {
    segment(id: $id) {
      name
      kind
      members(first: 1000, after: $after) {
        nodes {
          id
          sourceId
          name
          email
        }
        pageInfo {
          hasNextPage
          endCursor
        }
      }
    }
  }
`);

export const ReadListLimit = graphql(`
  query ReadListLimit {
    project {
      mostStaticMembers
    }
  }
`);

export const FindGroupMembers = graphql(`
  query FindGroupMembers($filter: FilterInput!) {
    customers(first: 100, filter: $filter) {
      nodes {
        id
      }
    }
  }
`);

export const DescribeGroup = graphql(`
  query DescribeGroup($filter: FilterInput!) {
    segmentPreview(filter: $filter) {
      filterText
      memberCount
    }
  }
`);
