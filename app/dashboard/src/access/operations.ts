import { graphql } from "../api/graphql";

export const ReadViewer = graphql(`
  query ReadViewer {
    viewer {
      keyName
      role
    }
  }
`);
