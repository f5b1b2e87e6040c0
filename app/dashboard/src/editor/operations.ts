import { graphql } from "../api/graphql";

export const ReadCatalog = graphql(`
  query ReadCatalog {
    filterAttributes {
      path
      label
      group
      type
      operatorNames
      allowedValues
    }
    filterOperators {
      operator
      label
      operand
      takesIgnoreCase
    }
    filterEvents {
      name
      properties {
        path
        label
        type
        operatorNames
        allowedValues
      }
      comparisons {
        operator
      }
    }
    segments(first: 100, orderBy: NAME) {
      nodes {
        id
        name
      }
    }
  }
`);

export const PreviewFilter = graphql(`
  query PreviewFilter($filter: FilterInput!) {
    segmentPreview(filter: $filter) {
      filterText
      size {
        memberCount
        exact
      }
      sample(first: 5) {
        id
        sourceId
        name
      }
    }
  }
`);

export const CompareFilter = graphql(`
  query CompareFilter($filter: FilterInput!, $segmentId: ID!) {
    segmentPreview(filter: $filter) {
      against(segmentId: $segmentId) {
        enteringCount
        leavingCount
        stayingCount
      }
    }
  }
`);

export const SuggestValues = graphql(`
  query SuggestValues($path: String!, $event: String, $prefix: String) {
    filterValueSuggestions(path: $path, event: $event, prefix: $prefix, first: 20)
  }
`);
