import { graphql } from "../api/graphql";

export const ListExports = graphql(`
  query ListExports($segmentId: ID!) {
    exports(first: 50, segmentId: $segmentId) {
      nodes {
        id
        format
        status
        rowsDone
        rowsTotal
        createdAt
        expiresAt
        error
        url
      }
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
  mutation StartExport($input: SegmentExportInput!) {
    segmentExport(input: $input) {
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
