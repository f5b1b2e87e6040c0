// What each library does with the API. Relay's documents are in relay_documents.js.
export const SEGMENT = `query Segment($id: ID!) {
  segment(id: $id) { id name kind }
}`;
export const UPSERT_CUSTOMER = `mutation UpsertCustomer($input: CustomerInput!) {
  customerUpsert(input: $input) {
    customer { id sourceId name }
    userErrors { code path message }
  }
}`;
export const FOLLOW_TRANSITIONS = `subscription FollowTransitions($segmentIds: [ID!], $after: String) {
  segmentTransitions(segmentIds: $segmentIds, after: $after) { id cursor type customerSourceId }
}`;
export const LIST_TRANSITIONS = `query ListTransitions($after: String) {
  segmentTransitions(first: 1, after: $after) { nodes { id } }
}`;

export const INVALID_CURSOR = "invalid";

