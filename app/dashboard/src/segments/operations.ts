import { graphql } from "../api/graphql";

export const ListSegments = graphql(`
  query ListSegments(
    $search: String
    $kinds: [SegmentKind!]
    $unused: Boolean
    $orderBy: SegmentOrder
    $descending: Boolean
    $after: String
  ) {
    segments(
      first: 50
      after: $after
      search: $search
      kinds: $kinds
      unused: $unused
      orderBy: $orderBy
      descending: $descending
    ) {
      totalCount
      nodes {
        id
        name
        kind
        filterText
        editable
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
  }
`);

export const ReadActivation = graphql(`
  query ReadActivation($id: ID!) {
    segment(id: $id) {
      changes(first: 100) {
        nodes {
          kind
          use {
            kind
            name
          }
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

export const CreateSegment = graphql(`
  mutation CreateSegment($input: SegmentCreateInput!, $idempotencyKey: String) {
    segmentCreate(input: $input, idempotencyKey: $idempotencyKey) {
      segment {
        id
      }
      userErrors {
        code
        message
        path
      }
    }
  }
`);

export const UpdateSegment = graphql(`
  mutation UpdateSegment($input: SegmentUpdateInput!, $id: ID!) {
    segmentUpdate(id: $id, input: $input) {
      segment {
        id
      }
      userErrors {
        code
        message
        path
      }
    }
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

export const ListTransitions = graphql(`
  query ListTransitions($id: ID!, $type: TransitionType, $after: String) {
    segment(id: $id) {
      transitions(first: 50, after: $after, type: $type) {
        nodes {
          id
          sequence
          cursor
          type
          cause
          at
          customerSourceId
          customer {
            name
          }
        }
        pageInfo {
          hasNextPage
          endCursor
        }
      }
    }
  }
`);

export const ListChanges = graphql(`
  query ListChanges($id: ID!, $after: String) {
    segment(id: $id) {
      changes(first: 50, after: $after) {
        edges {
          cursor
          node {
            at
            kind
            by
            filterBefore
            filterAfter
            use {
              kind
              name
            }
          }
        }
        pageInfo {
          hasNextPage
          endCursor
        }
      }
    }
  }
`);

export const DescribeEdit = graphql(`
  query DescribeEdit($before: FilterInput!, $after: FilterInput!) {
    before: segmentPreview(filter: $before) {
      filterText
    }
    after: segmentPreview(filter: $after) {
      filterText
    }
  }
`);
