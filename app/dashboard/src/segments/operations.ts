import { graphql } from "../api/graphql";

export const ListSegments = graphql(`
  query ListSegments($search: String, $kinds: [SegmentKind!], $after: String) {
    segments(first: 50, after: $after, search: $search, kinds: $kinds) {
      totalCount
      nodes {
        id
        name
        kind
        filterText
        updatedAt
        usedBy {
          kind
          id
          name
        }
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
`);

export const CountMembers = graphql(`
  query CountMembers($id: ID!) {
    segment(id: $id) {
      memberCount
    }
  }
`);
