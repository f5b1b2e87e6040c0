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
  query FindByEmail($filter: FilterInput!, $after: String) {
    customers(first: 100, after: $after, filter: $filter) {
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
`);

export const SearchCustomers = graphql(`
  query SearchCustomers($search: String, $after: String) {
    customers(first: 50, after: $after, search: $search) {
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
