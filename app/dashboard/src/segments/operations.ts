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
        lastSize {
          memberCount
          at
        }
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

export const ShowSegment = graphql(`
  query ShowSegment($id: ID!) {
    segment(id: $id) {
      id
      name
      description
      kind
      filter
      filterText
      editable
      createdAt
      updatedAt
      activatedAt
      usedBy {
        kind
        id
        name
      }
    }
  }
`);

export const ListMembers = graphql(`
  query ListMembers($id: ID!, $after: String) {
    segment(id: $id) {
      members(first: 50, after: $after) {
        edges {
          node {
            id
            sourceId
            name
            email
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

export const ReadTransitionsCursor = graphql(`
  query ReadTransitionsCursor {
    transitionsCursor
  }
`);

export const DeleteSegment = graphql(`
  mutation DeleteSegment($id: ID!) {
    segmentDelete(id: $id) {
      userErrors {
        code
        message
        path
      }
    }
  }
`);
