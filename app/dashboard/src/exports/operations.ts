import { graphql } from "../api/graphql";

export const ListExports = graphql(`
  query ListExports($segmentId: ID!, $after: String) {
    exports(first: 50, after: $after, segmentId: $segmentId) {
      nodes {
        id
        format
        fields
        status
        rowsDone
        rowsTotal
        createdAt
        expiresAt
        error
        url
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
`);

export const FollowExport = graphql(`
  subscription FollowExport($id: ID!) {
    exportProgress(id: $id) {
      id
      format
      fields
      status
      rowsDone
      rowsTotal
      createdAt
      expiresAt
      error
      url
    }
  }
`);

export const ListExportFields = graphql(`
  query ListExportFields {
    exportFields {
      path
      label
      group
    }
  }
`);

export const StartExport = graphql(`
  mutation StartExport($input: SegmentExportInput!, $idempotencyKey: String) {
    segmentExport(input: $input, idempotencyKey: $idempotencyKey) {
      userErrors {
        code
        message
        path
      }
    }
  }
`);

export const CancelExport = graphql(`
  mutation CancelExport($id: ID!) {
    exportCancel(id: $id) {
      userErrors {
        code
        message
        path
      }
    }
  }
`);
