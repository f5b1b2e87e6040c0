import { graphql } from "../api/graphql";

export const ListCodePools = graphql(`
  query ListCodePools {
    codePools {
      id
      name
      totalCount
      availableCount
      generatingCount
      usedBy {
        id
        name
        node {
          __typename
        }
      }
    }
  }
`);

export const ShowCodePool = graphql(`
  query ShowCodePool($id: ID!) {
    node(id: $id) {
      ... on CodePool {
        id
        name
        totalCount
        availableCount
        generatingCount
        createdAt
        usedBy {
          id
          name
          node {
            __typename
          }
        }
      }
    }
  }
`);

export const CreateCodePool = graphql(`
  mutation CreateCodePool($input: CodePoolInput!, $idempotencyKey: String) {
    codePoolCreate(input: $input, idempotencyKey: $idempotencyKey) {
      codePool {
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

export const AddCodes = graphql(`
  mutation AddCodes($id: ID!, $codes: [String!]!) {
    codePoolAddCodes(id: $id, codes: $codes) {
      userErrors {
        code
        message
        path
      }
    }
  }
`);

export const DeleteCodePool = graphql(`
  mutation DeleteCodePool($id: ID!) {
    codePoolDelete(id: $id) {
      userErrors {
        code
        message
        path
      }
    }
  }
`);

export const FindCodeRecipients = graphql(`
  query FindCodeRecipients($code: String!) {
    codeRecipients(code: $code) {
      at
      customer {
        id
        sourceId
        name
      }
      giver {
        __typename
        id
        ... on Distribution {
          name
        }
        ... on ReferralTier {
          name
        }
      }
    }
  }
`);
