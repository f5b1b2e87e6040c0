import { graphql } from "../api/graphql";

export const ReadCatalog = graphql(`
  query ReadCatalog {
    filterAttributes {
      path
      label
      group
      type
      isArray
      operatorNames
      allowedValues
    }
    filterOperators {
      operator
      label
      operand
      takesIgnoreCase
      negates
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
    project {
      timeZone
    }
  }
`);

export const SearchSegments = graphql(`
  query SearchSegments($search: String) {
    segments(first: 20, search: $search, orderBy: NAME) {
      nodes {
        id
        name
        kind
        lastSize {
          memberCount
        }
      }
    }
  }
`);

export const DescribeSegment = graphql(`
  query DescribeSegment($id: ID!) {
    segment(id: $id) {
      name
      filterText
    }
  }
`);

export const ReadSegmentUses = graphql(`
  query ReadSegmentUses($id: ID!) {
    segment(id: $id) {
      usedBy {
        kind
        id
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
        entering(first: 5) {
          id
          sourceId
          name
        }
        leaving(first: 5) {
          id
          sourceId
          name
        }
      }
    }
  }
`);

export const JudgeFilter = graphql(`
  query JudgeFilter($filter: FilterInput!, $customer: CustomerRef!) {
    segmentPreview(filter: $filter) {
      judge(customer: $customer) {
        holds
        explanation
        changesAt
      }
    }
  }
`);

export const SuggestValues = graphql(`
  query SuggestValues($path: String!, $event: String, $prefix: String) {
    filterValueSuggestions(path: $path, event: $event, prefix: $prefix, first: 20)
  }
`);

export const ConvertFilter = graphql(`
  query ConvertFilter($filter: JSON!) {
    filterFromVoucherify(filter: $filter) {
      filter
      userErrors {
        code
        message
        path
      }
    }
  }
`);
