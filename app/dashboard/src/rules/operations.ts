import { graphql } from "../api/graphql";

export const ListRules = graphql(`
  query ListRules {
    validationRules {
      id
      name
      filterText
      errorMessage
    }
  }
`);

export const CreateRule = graphql(`
  mutation CreateRule($input: ValidationRuleInput!, $idempotencyKey: String) {
    validationRuleCreate(input: $input, idempotencyKey: $idempotencyKey) {
      userErrors {
        code
        message
        path
      }
    }
  }
`);

export const UpdateRule = graphql(`
  mutation UpdateRule($id: ID!, $input: ValidationRuleUpdateInput!) {
    validationRuleUpdate(id: $id, input: $input) {
      userErrors {
        code
        message
        path
      }
    }
  }
`);

export const DeleteRule = graphql(`
  mutation DeleteRule($id: ID!) {
    validationRuleDelete(id: $id) {
      userErrors {
        code
        message
        path
      }
    }
  }
`);

export const Validate = graphql(`
  query Validate($ruleId: ID!, $customer: CustomerRef!) {
    validate(ruleId: $ruleId, customer: $customer) {
      valid
      reason
      explanation
    }
  }
`);
