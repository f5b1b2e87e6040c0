// The documents of relay.mjs, which Relay's compiler reads.
import { graphql } from "relay-runtime";

graphql`
  query relayDocumentsSegmentQuery($id: ID!) {
    segment(id: $id) {
      id
      name
      kind
    }
  }
`;

graphql`
  query relayDocumentsListQuery($after: String) {
    segmentTransitions(first: 1, after: $after) {
      nodes {
        id
      }
    }
  }
`;

// A list that a component reads page by page.
graphql`
  fragment relayDocumentsCustomers on Segment
  @refetchable(queryName: "relayDocumentsCustomersQuery")
  @argumentDefinitions(first: { type: "Int", defaultValue: 10 }, after: { type: "String" }) {
    members(first: $first, after: $after) @connection(key: "relayDocuments_members") {
      edges {
        enteredAt
        node {
          sourceId
        }
      }
    }
  }
`;

graphql`
  mutation relayDocumentsUpsertMutation($input: CustomerInput!) {
    customerUpsert(input: $input) {
      customer {
        id
        sourceId
        name
      }
      userErrors {
        code
        path
        message
      }
    }
  }
`;

graphql`
  subscription relayDocumentsFollowSubscription($segmentIds: [ID!], $after: String) {
    segmentTransitions(segmentIds: $segmentIds, after: $after) {
      id
      cursor
      type
      customerSourceId
    }
  }
`;
