"""Validation rules: create, edit and delete them; judge customers by them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from app.domain.ids import EntityKind
from app.domain.inputs import (
    CustomerRef,
    InputObject,
    ValidationRuleInput,
    ValidationRuleUpdateInput,
    parse_input,
)
from app.domain.metadata import to_json
from app.domain.validation_rules import MAX_VALIDATION_RULES, ValidationRule
from app.errors import InputError, UserErrorCode, input_error
from app.filters import Evaluation, Filter, Now, canonical, describe, explain
from app.filters.failures import describe_failure
from app.filters.filter_json import FilterJson
from app.services.definitions import Definitions
from app.services.definitions_reader import DefinitionsReader
from app.services.evaluation import evaluate
from app.services.idempotency import WITHOUT_KEY, CreationRecorder
from app.services.memberships import Memberships
from app.store import Store, Transaction
from app.store.ids import new_id


@dataclass(frozen=True, slots=True)
class Validation:
    """Whether a rule holds for a customer, with the evaluation behind the answer."""

    rule: ValidationRule
    is_valid: bool
    _tree: Filter
    _evaluation: Evaluation

    @property
    def evaluated_at(self) -> datetime:
        return self._evaluation.now.at

    async def reason(self) -> str | None:
        """The rule's error message, or a sentence of what failed; None if the rule holds."""
        if self.is_valid:
            return None
        return self.rule.error_message or await evaluate(
            self._evaluation.facts, lambda: describe_failure(self._tree, self._evaluation)
        )

    async def explanation(self) -> Any:
        """For each condition: what it requires, what the customer has, and whether it holds."""
        return await evaluate(
            self._evaluation.facts, lambda: explain(self._tree, self._evaluation, to_json)
        )


class ValidationRules:
    """The operations on validation rules. A rule uses the segments in its filter, and activates
    none."""

    def __init__(
        self, store: Store, definitions: DefinitionsReader, memberships: Memberships
    ) -> None:
        self._store = store
        self._definitions = definitions
        self._memberships = memberships

    async def all(self) -> list[ValidationRule]:
        """All rules, in the order of their creation."""
        return list((await self._definitions.latest()).validation_rules.values())

    async def get(self, id_: str) -> ValidationRule | None:
        return (await self.get_many([id_])).get(id_)

    async def get_many(self, ids: Iterable[str]) -> dict[str, ValidationRule]:
        """Returns the existing ones of the rules by id."""
        rules = (await self._definitions.latest()).validation_rules
        return {id_: rules[id_] for id_ in ids if id_ in rules}

    async def filter_texts(self, rules: Sequence[ValidationRule]) -> list[str | BaseException]:
        """Returns the filter of each rule as one English sentence. In place of the text of an
        invalid filter, which may have been edited since, its InputError."""
        definitions = await self._definitions.latest()
        texts: list[str | BaseException] = []
        for rule in rules:
            await definitions.time_slice.yield_when_spent()
            try:
                await definitions.parse_nested(rule.filter)
                texts.append(describe(definitions.rule_tree(rule)))
            except InputError as error:
                texts.append(error)
        return texts

    async def validate(
        self, rule_id: str, customer_ref: CustomerRef, overrides: object, now: Now
    ) -> Validation:
        """Judges a customer by a rule, as of `now`. `overrides` replace fields of the stored
        profile. A customer with an unknown sourceId is judged by the overrides alone. Raises
        InputError for an unknown rule, an unknown customer id or invalid overrides."""
        definitions, rule, evaluation = await self._memberships.load_evaluation(
            customer_ref,
            overrides,
            now,
            lambda definitions: definitions.collect_rule_measures(rule_id),
            lambda definitions: _require_rule(rule_id, definitions, "ruleId"),
        )
        await definitions.parse_nested(rule.filter)
        tree = definitions.rule_tree(rule)
        is_valid = await evaluate(evaluation.facts, lambda: evaluation.holds(tree))
        return Validation(rule, is_valid, tree, evaluation)

    async def create(
        self,
        input_object: InputObject,
        now: datetime,
        recorder: CreationRecorder = WITHOUT_KEY,
    ) -> ValidationRule:
        """Creates a rule. Raises InputError if the input is invalid, and TOO_MANY above the limit
        of rules."""
        row = parse_input(ValidationRuleInput, input_object, "input")
        rule = ValidationRule(
            id=new_id(EntityKind.VALIDATION_RULE),
            name=row.name,
            filter=canonical(row.filter),
            error_message=row.error_message,
            created_at=now,
        )

        async def work(transaction: Transaction) -> ValidationRule:
            await recorder.record(rule.id, transaction)
            definitions = await self._definitions.lock(transaction)
            if len(definitions.validation_rules) >= MAX_VALIDATION_RULES:
                message = (
                    f"A project has at most {MAX_VALIDATION_RULES:,} validation rules; delete one"
                    " first."
                )
                raise input_error(UserErrorCode.TOO_MANY, message, "input")
            await _require_valid_filter(row.filter, definitions)
            await self._store.validation_rules.save(rule, definitions.revision + 1, transaction)
            return rule

        # Fills the cache before the transaction locks the definitions.
        await self._definitions.latest()
        return await self._store.transaction(work)

    async def update(self, id_: str, input_object: InputObject) -> ValidationRule:
        """Updates the sent fields. Raises InputError if a change is invalid."""
        row = parse_input(ValidationRuleUpdateInput, input_object, "input")
        changes = row.model_fields_set

        async def work(transaction: Transaction) -> ValidationRule:
            definitions = await self._definitions.lock(transaction)
            rule = _require_rule(id_, definitions, "id")
            if row.name is not None:
                rule = replace(rule, name=row.name)
            if "error_message" in changes:
                rule = replace(rule, error_message=row.error_message)
            if row.filter is not None:
                await _require_valid_filter(row.filter, definitions)
                rule = replace(rule, filter=canonical(row.filter))
            await self._store.validation_rules.save(rule, definitions.revision + 1, transaction)
            return rule

        await self._definitions.latest()
        return await self._store.transaction(work)

    async def delete(self, id_: str) -> ValidationRule:
        """Deletes the rule. Raises NOT_FOUND."""

        async def work(transaction: Transaction) -> ValidationRule:
            definitions = await self._definitions.lock(transaction)
            rule = _require_rule(id_, definitions, "id")
            await self._store.validation_rules.delete(id_, definitions.revision + 1, transaction)
            return rule

        await self._definitions.latest()
        return await self._store.transaction(work)


def _require_rule(id_: str, definitions: Definitions, *path: str) -> ValidationRule:
    rule = definitions.validation_rules.get(id_)
    if rule is None:
        raise input_error(UserErrorCode.NOT_FOUND, "There is no such validation rule.", *path)
    return rule


async def _require_valid_filter(filter_json: FilterJson, definitions: Definitions) -> None:
    await definitions.parse_input_filter(filter_json, "input", "filter")
