import { graphql } from "../api/graphql";

export const ListLoyaltyPrograms = graphql(`
  query ListLoyaltyPrograms {
    loyaltyPrograms {
      id
      name
      earningRules {
        id
        name
        segment {
          id
          name
        }
        points {
          fixed
          proportional {
            path
            every
            points
          }
        }
        activeFrom
        activeUntil
        maxPerCustomer
        enabled
      }
    }
  }
`);

export const CreateLoyaltyProgram = graphql(`
  mutation CreateLoyaltyProgram($input: LoyaltyProgramInput!, $idempotencyKey: String) {
    loyaltyProgramCreate(input: $input, idempotencyKey: $idempotencyKey) {
      userErrors {
        code
        message
        path
      }
    }
  }
`);

export const DeleteLoyaltyProgram = graphql(`
  mutation DeleteLoyaltyProgram($id: ID!) {
    loyaltyProgramDelete(id: $id) {
      userErrors {
        code
        message
        path
      }
    }
  }
`);

export const CreateEarningRule = graphql(`
  mutation CreateEarningRule($input: EarningRuleInput!, $idempotencyKey: String) {
    earningRuleCreate(input: $input, idempotencyKey: $idempotencyKey) {
      userErrors {
        code
        message
        path
      }
    }
  }
`);

export const SetEarningRuleEnabled = graphql(`
  mutation SetEarningRuleEnabled($id: ID!, $enabled: Boolean!) {
    earningRuleSetEnabled(id: $id, enabled: $enabled) {
      userErrors {
        code
        message
        path
      }
    }
  }
`);

export const DeleteEarningRule = graphql(`
  mutation DeleteEarningRule($id: ID!) {
    earningRuleDelete(id: $id) {
      userErrors {
        code
        message
        path
      }
    }
  }
`);

export const ListMetadataTypes = graphql(`
  query ListMetadataTypes {
    metadataDefinitions {
      key
      type
      isArray
    }
  }
`);

export const ListLedger = graphql(`
  query ListLedger($sourceId: String!, $after: String) {
    customer(ref: { sourceId: $sourceId }) {
      loyalty {
        points
        ledger(first: 50, after: $after) {
          nodes {
            id
            at
            points
            balance
            reason
            program {
              name
            }
            rule {
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
  }
`);

export const AdjustPoints = graphql(`
  mutation AdjustPoints($input: PointsAdjustInput!) {
    pointsAdjust(input: $input) {
      userErrors {
        code
        message
        path
      }
    }
  }
`);
