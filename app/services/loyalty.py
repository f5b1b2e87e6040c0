"""Loyalty programs, earning rules and ledgers: the operations on them."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from app.domain.consumers import Consumer
from app.domain.ids import EntityKind
from app.domain.inputs import (
    EarningRuleInput,
    InputObject,
    LoyaltyProgramInput,
    PointsInput,
    parse_input,
)
from app.domain.log_interval import LogInterval
from app.domain.loyalty import (
    MAX_PROGRAMS,
    EarningRule,
    FixedPoints,
    LedgerEntry,
    LoyaltyProgram,
    PointsFormula,
    ProportionalPoints,
    may_hold_number,
)
from app.domain.segments import Segment
from app.domain.uses import Use, UseKind
from app.errors import UserErrorCode, input_error
from app.filters import Catalog, MetadataType
from app.services.active_filters import ActiveFilters
from app.services.definitions import Definitions
from app.services.definitions_reader import DefinitionsReader
from app.services.idempotency import WITHOUT_KEY, CreationRecorder
from app.services.log_boundary import at_log_boundary, handled_sequence
from app.services.uses import list_names
from app.store import Store, Transaction
from app.store.ids import new_id


class RuleWithSegment(NamedTuple):
    """A rule, and its segment in the same revision of the definitions. The segment of a deleted
    rule may be deleted by the time that a client reads it."""

    rule: EarningRule
    segment: Segment


class Loyalty:
    """The operations on loyalty. Creating and deleting lock the definitions, so they run one after
    the other, and no rule is created in a program that is being deleted."""

    def __init__(self, store: Store, definitions: DefinitionsReader) -> None:
        self._store = store
        self._definitions = definitions
        self._active_filters = ActiveFilters(store)

    async def programs(self) -> list[LoyaltyProgram]:
        return await self._store.loyalty_programs.all()

    async def program(self, id_: str) -> LoyaltyProgram | None:
        return await self._store.loyalty_programs.get(id_)

    async def get_programs(self, ids: Iterable[str]) -> dict[str, LoyaltyProgram]:
        """Returns the programs by id, also deleted ones."""
        return await self._store.loyalty_programs.get_many(ids)

    async def rule(self, id_: str) -> RuleWithSegment | None:
        return (await self.get_rules([id_])).get(id_)

    async def get_rules(self, ids: Iterable[str]) -> dict[str, RuleWithSegment]:
        """Returns by id those rules that exist."""
        definitions = await self._definitions.latest()
        rules = definitions.earning_rules
        return {id_: _with_segment(rules[id_], definitions) for id_ in ids if id_ in rules}

    async def rules_by_program(
        self, program_ids: Iterable[str]
    ) -> dict[str, list[RuleWithSegment]]:
        """Returns the rules of each program by its id."""
        definitions = await self._definitions.latest()
        return {
            id_: [_with_segment(rule, definitions) for rule in definitions.rules_of_program(id_)]
            for id_ in program_ids
        }

    async def ledger_entry(self, id_: str) -> LedgerEntry | None:
        return await self._store.ledger.get(id_)

    async def ledgers(
        self, customer_ids: Iterable[str], after: tuple[datetime, str] | None, limit: int
    ) -> dict[str, list[LedgerEntry]]:
        """Returns, by customer, at most `limit` ledger entries after a position, newest first. A
        customer without entries is left out."""
        return await self._store.ledger.latest(customer_ids, after, limit)

    async def create_program(
        self,
        input_object: InputObject,
        now: datetime,
        recorder: CreationRecorder = WITHOUT_KEY,
    ) -> LoyaltyProgram:
        """Creates a program. Raises INVALID, or TOO_MANY above the limit of programs."""
        row = parse_input(LoyaltyProgramInput, input_object, "input")
        program = LoyaltyProgram(new_id(EntityKind.LOYALTY_PROGRAM), row.name, now)

        async def work(transaction: Transaction) -> LoyaltyProgram:
            await recorder.record(program.id, transaction)
            await self._definitions.lock(transaction)
            if await self._store.loyalty_programs.count(transaction) >= MAX_PROGRAMS:
                message = f"A project has at most {MAX_PROGRAMS:,} programs; use one that exists."
                raise input_error(UserErrorCode.TOO_MANY, message, "input")
            await self._store.loyalty_programs.add(program, transaction)
            return program

        return await self._store.transaction(work)

    async def delete_program(self, id_: str) -> LoyaltyProgram:
        """Deletes the program. Customers keep their points. Raises INVALID if an earning
        rule or a referral tier uses it."""

        async def work(transaction: Transaction) -> LoyaltyProgram:
            definitions = await self._definitions.lock(transaction)
            program = await self._store.loyalty_programs.get(id_, transaction)
            if program is None:
                raise input_error(UserErrorCode.NOT_FOUND, "There is no such program.", "id")
            _require_unused(program.id, definitions)
            await self._store.loyalty_programs.delete(program.id, transaction)
            return program

        return await self._store.transaction(work)

    async def create_rule(
        self,
        input_object: InputObject,
        now: datetime,
        recorder: CreationRecorder = WITHOUT_KEY,
    ) -> RuleWithSegment:
        """Creates the rule and activates its segment. Customers who enter the segment after this
        transaction earn points. Raises InputError if the input is invalid."""
        row = parse_input(EarningRuleInput, input_object, "input")
        points = _parse_points(row.points)
        if row.active_from and row.active_until and row.active_until <= row.active_from:
            message = "activeUntil must come after activeFrom; move it, or leave one out."
            raise input_error(UserErrorCode.INVALID, message, "input", "activeUntil")

        async def work(transaction: Transaction, last_sequence: int) -> RuleWithSegment:
            id_ = new_id(EntityKind.EARNING_RULE)
            await recorder.record(id_, transaction)
            definitions = await self._definitions.lock(transaction)
            program = await self._store.loyalty_programs.get(row.program_id, transaction)
            if program is None:
                raise input_error(
                    UserErrorCode.NOT_FOUND, "There is no such program.", "input", "programId"
                )
            if isinstance(points, ProportionalPoints):
                _require_number_path(points.path, definitions)
            segment = await self._active_filters.activate(
                row.segment_id,
                definitions,
                now,
                transaction,
                *("input", "segmentId"),
                use=Use(UseKind.EARNING_RULE, id_, row.name),
            )
            rule = EarningRule(
                id=id_,
                name=row.name,
                program_id=program.id,
                segment_id=segment.id,
                points=points,
                created_at=now,
                log_interval=LogInterval(after_sequence=last_sequence),
                active_from=row.active_from,
                active_until=row.active_until,
                max_per_customer=row.max_per_customer,
            )
            await self._store.earning_rules.add(rule, definitions.revision + 1, transaction)
            return RuleWithSegment(rule, segment)

        # Fills the cache before the transaction locks the definitions.
        await self._definitions.latest()
        return await at_log_boundary(self._store, Consumer.LOYALTY, work)

    async def delete_rule(self, id_: str) -> RuleWithSegment:
        """Deletes the rule. Customers who entered the segment before this transaction still earn
        points. Raises NOT_FOUND."""

        async def work(transaction: Transaction, last_sequence: int) -> RuleWithSegment:
            definitions = await self._definitions.lock(transaction)
            rule = definitions.earning_rules.get(id_)
            if rule is None:
                raise input_error(UserErrorCode.NOT_FOUND, "There is no such earning rule.", "id")
            revision = definitions.revision + 1
            await self._store.earning_rules.end(rule.id, last_sequence, revision, transaction)
            return _with_segment(
                replace(rule, log_interval=rule.log_interval.with_end(last_sequence)), definitions
            )

        # Fills the cache before the transaction locks the definitions.
        await self._definitions.latest()
        return await at_log_boundary(self._store, Consumer.LOYALTY, work)

    async def set_rule_enabled(self, id_: str, enabled: bool) -> RuleWithSegment:
        """Enables or disables the rule. Customers who enter the segment while it is disabled earn
        nothing. Raises NOT_FOUND."""

        async def work(transaction: Transaction, last_sequence: int) -> RuleWithSegment:
            definitions = await self._definitions.lock(transaction)
            rule = definitions.earning_rules.get(id_)
            if rule is None:
                raise input_error(UserErrorCode.NOT_FOUND, "There is no such earning rule.", "id")
            changed = rule.with_enabled(enabled, last_sequence).without_passed_intervals(
                await handled_sequence(self._store, Consumer.LOYALTY, transaction)
            )
            await self._store.earning_rules.save_disabled_intervals(
                changed, definitions.revision + 1, transaction
            )
            return _with_segment(changed, definitions)

        # Fills the cache before the transaction locks the definitions.
        await self._definitions.latest()
        return await at_log_boundary(self._store, Consumer.LOYALTY, work)


def _with_segment(rule: EarningRule, definitions: Definitions) -> RuleWithSegment:
    return RuleWithSegment(rule, definitions.segments[rule.segment_id])


def _parse_points(points_input: PointsInput) -> PointsFormula:
    if points_input.proportional is None:
        assert points_input.fixed is not None, "PointsInput is @oneOf"
        return FixedPoints(points_input.fixed)
    return ProportionalPoints(
        points_input.proportional.path,
        points_input.proportional.every,
        points_input.proportional.points,
    )


def _require_number_path(path: str, definitions: Definitions) -> None:
    """Raises UNKNOWN_ATTRIBUTE or INVALID if the path is not one of a number in the metadata."""
    error_path = ("input", "points", "proportional", "path")
    catalog = _build_catalog(definitions)
    field = catalog.find_field(path)
    if field is None:
        message = f"There is no such attribute; the nearest is {catalog.closest_path(path)!r}."
        raise input_error(UserErrorCode.UNKNOWN_ATTRIBUTE, message, *error_path)
    if not may_hold_number(field):
        message = (
            "Points are calculated from one number in the metadata; send a path like"
            " metadata.spent."
        )
        raise input_error(UserErrorCode.INVALID, message, *error_path)


def _build_catalog(definitions: Definitions) -> Catalog:
    """Returns a catalog of the metadata definitions, also of those that are not READY yet."""
    effective_definitions = {
        key: definition.effective_definition
        for key, definition in definitions.metadata_schema.definitions.items()
    }
    return Catalog(
        {
            key: MetadataType(effective.type, effective.is_array)
            for key, effective in effective_definitions.items()
            if effective
        }
    )


def _require_unused(program_id: str, definitions: Definitions) -> None:
    names_by_kind = {
        "earning rules": [rule.name for rule in definitions.rules_of_program(program_id)],
        "referral tiers": [tier.name for tier in definitions.tiers_rewarding_in(program_id)],
    }
    users = " and ".join(
        f"the {kind} {list_names(map(repr, names))}"
        for kind, names in names_by_kind.items()
        if names
    )
    if users:
        message = f"The program is used by {users}; delete those first."
        raise input_error(UserErrorCode.INVALID, message, "id")
