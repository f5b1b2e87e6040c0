"""Validation rules in the API."""

from datetime import datetime
from functools import partial
from typing import Annotated

import strawberry
from strawberry import UNSET

from app.domain.validation_rules import ValidationRule as StoredRule
from app.schema.context import Info
from app.schema.customers import CustomerRef, read_customer_ref
from app.schema.errors import UserError, attempt
from app.schema.filters import FilterInput
from app.schema.http.large_inputs import LargeInput
from app.schema.idempotency import IdempotencyKey, attempt_once
from app.schema.input_json import input_to_json
from app.schema.node import Node, to_node
from app.schema.scalars import JSON
from app.services.validation_rules import Validation as EvaluatedRule
from app.worker_threads import run_in_thread_if_large


@strawberry.type(
    description="Who may use something, such as a campaign. The server judges a customer at the"
    " moment of asking; a rule makes no segment active."
)
class ValidationRule(Node):
    name: str = strawberry.field(description="The name of the rule.")
    filter: JSON = strawberry.field(
        description="The filter of the customers for whom the rule holds, in the shape of"
        " FilterInput."
    )
    error_message: str | None = strawberry.field(
        description="The text to show to other customers; null for a generated one."
    )
    created_at: datetime = strawberry.field(description="When the rule was created.")
    stored_rule: strawberry.Private[StoredRule]

    @strawberry.field(description="The filter as one readable English sentence.")
    async def filter_text(self, info: Info) -> str:
        return await info.context.loaders.rule_texts.load(self.stored_rule)

    @classmethod
    def from_domain(cls, stored_rule: StoredRule) -> "ValidationRule":
        return cls(
            id=strawberry.ID(stored_rule.id),
            name=stored_rule.name,
            filter=JSON(stored_rule.filter),
            error_message=stored_rule.error_message,
            created_at=stored_rule.created_at,
            stored_rule=stored_rule,
        )


to_node.register(StoredRule, ValidationRule.from_domain)


@strawberry.type(description="Whether a validation rule holds for a customer at one instant.")
class Validation:
    valid: bool = strawberry.field(description="Whether the rule holds.")
    evaluated_at: datetime = strawberry.field(description="The instant of evaluation.")
    evaluated_rule: strawberry.Private[EvaluatedRule]

    @strawberry.field(
        description="The rule's errorMessage, or a sentence of what failed. Null if the rule holds."
    )
    async def reason(self) -> str | None:
        return await self.evaluated_rule.reason()

    @strawberry.field(
        description="Condition by condition: what was wanted, what the customer has, and whether"
        " it holds."
    )
    async def explanation(self) -> JSON:
        return JSON(await self.evaluated_rule.explanation())


@strawberry.input(description="A validation rule to create.")
class ValidationRuleInput:
    name: str = strawberry.field(description="The name of the rule.")
    filter: FilterInput = strawberry.field(
        description="Most often {segment: {id}}; any filter will do."
    )
    error_message: str | None = strawberry.field(
        default=UNSET,
        description="The text to show to customers for whom the rule does not hold, up to 1,000"
        " characters.",
    )


@strawberry.input(
    description="The fields of a validation rule to change. A field that is left out keeps its"
    " value."
)
class ValidationRuleUpdateInput:
    name: str | None = strawberry.field(default=UNSET, description="The new name.")
    filter: FilterInput | None = strawberry.field(default=UNSET, description="The new filter.")
    error_message: str | None = strawberry.field(
        default=UNSET, description="The new text; null removes it."
    )


@strawberry.type(description="The result of creating, changing or deleting a validation rule.")
class ValidationRulePayload:
    validation_rule: ValidationRule | None = strawberry.field(
        description="The rule; null if there are errors."
    )
    user_errors: list[UserError] = strawberry.field(
        description="Why nothing changed; empty on success."
    )

    @classmethod
    def from_domain(
        cls, stored_rule: StoredRule | None, user_errors: list[UserError]
    ) -> "ValidationRulePayload":
        rule = ValidationRule.from_domain(stored_rule) if stored_rule else None
        return cls(validation_rule=rule, user_errors=user_errors)


RuleId = Annotated[strawberry.ID, strawberry.argument(description="The id of the rule.")]


@strawberry.type
class ValidationRuleQuery:
    @strawberry.field(description="All validation rules, in the order of their creation.")
    async def validation_rules(self, info: Info) -> list[ValidationRule]:
        rules = await info.context.services.validation_rules.all()
        return [ValidationRule.from_domain(rule) for rule in rules]

    @strawberry.field(
        description="May this customer use it, now? `overrides` as with segmentMembership. An"
        " unknown rule is NOT_FOUND."
    )
    async def validate(
        self,
        info: Info,
        rule_id: RuleId,
        customer: Annotated[CustomerRef, strawberry.argument(description="The customer to judge.")],
        overrides: Annotated[
            JSON | None,
            strawberry.argument(
                description="Fields of the profile, as a JSON object, which replace the stored ones"
                " for this evaluation."
            ),
        ] = None,
    ) -> Validation:
        validation = await info.context.services.validation_rules.validate(
            rule_id, read_customer_ref(customer, "customer"), overrides, info.context.now
        )
        return Validation(
            valid=validation.is_valid,
            evaluated_at=validation.evaluated_at,
            evaluated_rule=validation,
        )


@strawberry.type
class ValidationRuleMutation:
    @strawberry.mutation(
        extensions=[LargeInput()],
        description="Creates a validation rule. The segments that its filter names can't be"
        " deleted while it exists; they don't become active.",
    )
    async def validation_rule_create(
        self,
        info: Info,
        input: Annotated[
            ValidationRuleInput, strawberry.argument(description="The rule to create.")
        ],
        idempotency_key: IdempotencyKey = None,
    ) -> ValidationRulePayload:
        service, now = info.context.services.validation_rules, info.context.now.at
        input_object = await run_in_thread_if_large(input_to_json, input)
        create = partial(service.create, input_object, now)
        return ValidationRulePayload.from_domain(
            *await attempt_once(info, idempotency_key, input_object, create, service.get)
        )

    @strawberry.mutation(
        extensions=[LargeInput()],
        description="Changes the fields of a validation rule that the input sets.",
    )
    async def validation_rule_update(
        self,
        info: Info,
        id: RuleId,
        input: Annotated[
            ValidationRuleUpdateInput, strawberry.argument(description="The fields to change.")
        ],
    ) -> ValidationRulePayload:
        service = info.context.services.validation_rules
        return ValidationRulePayload.from_domain(
            *await attempt(service.update(id, await run_in_thread_if_large(input_to_json, input)))
        )

    @strawberry.mutation(description="Deletes a validation rule.")
    async def validation_rule_delete(self, info: Info, id: RuleId) -> ValidationRulePayload:
        service = info.context.services.validation_rules
        return ValidationRulePayload.from_domain(*await attempt(service.delete(id)))
