import { graphql } from "../api/graphql";

export const FindKnownCustomers = graphql(`
  query FindKnownCustomers($refs: [CustomerRef!]!) {
    customersByRef(refs: $refs) {
      sourceId
    }
  }
`);

export const ImportCustomers = graphql(`
  mutation ImportCustomers($inputs: [CustomerInput!]!) {
    customersUpsert(inputs: $inputs) {
      accepted
      userErrors {
        code
        message
        path
      }
    }
  }
`);
