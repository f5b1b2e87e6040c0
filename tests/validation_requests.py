"""The queries and mutations of validation rules."""

_PAYLOAD = (
    "{ validationRule { id name filter filterText errorMessage createdAt }"
    " userErrors { code message path } }"
)
CREATE_RULE = (
    f"mutation($input: ValidationRuleInput!) {{ validationRuleCreate(input: $input) {_PAYLOAD} }}"
)
UPDATE_RULE = (
    "mutation($id: ID!, $input: ValidationRuleUpdateInput!)"
    f" {{ validationRuleUpdate(id: $id, input: $input) {_PAYLOAD} }}"
)
DELETE_RULE = f"mutation($id: ID!) {{ validationRuleDelete(id: $id) {_PAYLOAD} }}"
LIST_RULES = "{ validationRules { id name filter filterText errorMessage createdAt } }"
VALIDATE = (
    "query($rule: ID!, $customer: CustomerRef!, $overrides: JSON) {"
    " validate(ruleId: $rule, customer: $customer, overrides: $overrides)"
    " { valid reason explanation evaluatedAt } }"
)
