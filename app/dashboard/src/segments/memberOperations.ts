import { graphql } from "../api/graphql";

export const ListMembers = graphql(`
  query ListMembers($id: ID!, $first: Int!, $after: String, $hasDetails: Boolean!) {
    segment(id: $id) {
      members(first: $first, after: $after) {
        edges {
          node {
            id
            sourceId
            name
            email
            ... @include(if: $hasDetails) {
              phone
              birthdate
              source
              createdAt
              updatedAt
              metadata
            }
          }
          enteredAt
        }
        pageInfo {
          hasNextPage
          endCursor
        }
      }
    }
  }
`);

export const SearchMembers = graphql(`
  query SearchMembers($id: ID!, $search: String!, $after: String, $hasDetails: Boolean!) {
    customers(first: 100, after: $after, search: $search, filter: { segment: { id: $id } }) {
      nodes {
        id
        sourceId
        name
        email
        ... @include(if: $hasDetails) {
          phone
          birthdate
          source
          createdAt
          updatedAt
          metadata
        }
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
`);
