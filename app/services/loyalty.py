"""What can be done with loyalty programs and their earning rules."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from app.domain.consumers import Consumer
from app.domain.ids import Kind
from app.domain.inputs import EarningRuleInput, LoyaltyProgramInput, PointsInput, read
from app.domain.log_interval import LogInterval
from app.domain.loyalty import (
    MOST_PROGRAMS,
    EarningRule,
    Fixed,
    LedgerEntry,
    LoyaltyProgram,
    Points,
    Proportional,
    may_hold_a_number,
)
from app.domain.segments import Segment
from app.errors import Code, refuse
from app.filters import Catalog, MetadataType
from app.services.active_filters import ActiveFilters
from app.services.definitions import Definitions, DefinitionsReader
from app.services.log_boundary import at_log_boundary
from app.services.rows import Wire
from app.store import Store, Transaction
from app.store.ids import new_id

_MOST_NAMES = 100


class RuleOn(NamedTuple):
    """A rule, and its segment as of the same moment: once the rule is gone, that may go too."""

    rule: EarningRule
    segment: Segment


class Loyalty:
    """The verbs of loyalty. What is made and deleted passes one after the other, as definitions
    do: so no rule is made in a program that is being deleted."""

    def __init__(self, store: Store, definitions: DefinitionsReader) -> None:
        self._store = store
        self._definitions = definitions
        self._active_filters = ActiveFilters(store)

    async def programs(self) -> list[LoyaltyProgram]:
        return await self._store.loyalty_programs.all()

    async def program(self, id_: str) -> LoyaltyProgram | None:
        return await self._store.loyalty_programs.get(id_)

    async def programs_named(self, ids: Iterable[str]) -> dict[str, LoyaltyProgram]:
        """The programs, also those that have been deleted."""
        return await self._store.loyalty_programs.named(ids)

    async def rule(self, id_: str) -> RuleOn | None:
        return (await self.rules_named([id_])).get(id_)

    async def rules_named(self, ids: Iterable[str]) -> dict[str, RuleOn]:
        """Those of the rules that nobody has deleted."""
        known = await self._definitions.now()
        rules = known.earning_rules
        return {id_: _on(rules[id_], known) for id_ in ids if id_ in rules}

    async def rules_of(self, program_ids: Iterable[str]) -> dict[str, list[RuleOn]]:
        """The rules by program."""
        known = await self._definitions.now()
        return {id_: [_on(rule, known) for rule in known.rules_of(id_)] for id_ in program_ids}

    async def entry(self, id_: str) -> LedgerEntry | None:
        return await self._store.ledger.get(id_)

    async def ledger(
        self, customer_id: str, after: tuple[datetime, str] | None, most: int
    ) -> list[LedgerEntry]:
        """What a customer was given, the latest first, from before a place."""
        return await self._store.ledger.latest(customer_id, after, most)

    async def create_program(self, wire: Wire, now: datetime) -> LoyaltyProgram:
        row = read(LoyaltyProgramInput, wire, "input")
        program = LoyaltyProgram(new_id(Kind.LOYALTY_PROGRAM), row.name, now)

        async def work(transaction: Transaction) -> LoyaltyProgram:
            await self._definitions.held_still(transaction)
            if await self._store.loyalty_programs.count(transaction) >= MOST_PROGRAMS:
                message = f"A project has at most {MOST_PROGRAMS:,} programs; use one of those."
                raise refuse(Code.TOO_MANY, message, "input")
            await self._store.loyalty_programs.add(program, transaction)
            return program

        return await self._store.transaction(work)

    async def delete_program(self, id_: str) -> LoyaltyProgram:
        """Deletes the program, unless a rule gives points in it. Nobody's points are taken."""

        async def work(transaction: Transaction) -> LoyaltyProgram:
            definitions = await self._definitions.held_still(transaction)
            program = await self._store.loyalty_programs.get(id_, transaction)
            if program is None:
                raise refuse(Code.NOT_FOUND, "There is no such program.", "id")
            _require_unused(definitions.rules_of(program.id))
            await self._store.loyalty_programs.delete(program.id, transaction)
            return program

        return await self._store.transaction(work)

    async def create_rule(self, wire: Wire, now: datetime) -> RuleOn:
        """Makes the rule, and its segment active: whoever enters from now on earns by it."""
        row = read(EarningRuleInput, wire, "input")
        points = _points(row.points)
        if row.active_from and row.active_until and row.active_until <= row.active_from:
            message = "activeUntil must come after activeFrom; move it, or leave one out."
            raise refuse(Code.INVALID, message, "input", "activeUntil")

        async def work(transaction: Transaction, end: int) -> RuleOn:
            definitions = await self._definitions.held_still(transaction)
            program = await self._store.loyalty_programs.get(row.program_id, transaction)
            if program is None:
                raise refuse(Code.NOT_FOUND, "There is no such program.", "input", "programId")
            if isinstance(points, Proportional):
                _require_number(points.path, definitions)
            segment = await self._active_filters.activate(
                row.segment_id, definitions, now, transaction, "input", "segmentId"
            )
            rule = EarningRule(
                id=new_id(Kind.EARNING_RULE),
                name=row.name,
                program_id=program.id,
                segment_id=segment.id,
                points=points,
                created_at=now,
                interval=LogInterval(since=end),
                active_from=row.active_from,
                active_until=row.active_until,
                max_per_customer=row.max_per_customer,
            )
            await self._store.earning_rules.add(rule, definitions.revision + 1, transaction)
            return RuleOn(rule, segment)

        # What must be read anew is read before others wait for it.
        await self._definitions.now()
        return await at_log_boundary(self._store, Consumer.LOYALTY, work)

    async def delete_rule(self, id_: str) -> RuleOn:
        """Deletes the rule: whoever has entered until now earns by it still."""

        async def work(transaction: Transaction, end: int) -> RuleOn:
            definitions = await self._definitions.held_still(transaction)
            rule = definitions.earning_rules.get(id_)
            if rule is None:
                raise refuse(Code.NOT_FOUND, "There is no such earning rule.", "id")
            revision = definitions.revision + 1
            await self._store.earning_rules.end(rule.id, end, revision, transaction)
            return _on(replace(rule, interval=rule.interval.ended(end)), definitions)

        await self._definitions.now()
        return await at_log_boundary(self._store, Consumer.LOYALTY, work)


def _on(rule: EarningRule, definitions: Definitions) -> RuleOn:
    return RuleOn(rule, definitions.segments[rule.segment_id])


def _points(row: PointsInput) -> Points:
    if row.proportional is None:
        assert row.fixed is not None, "GraphQL has let one of them through"
        return Fixed(row.fixed)
    return Proportional(row.proportional.path, row.proportional.every, row.proportional.points)


def _require_number(path: str, definitions: Definitions) -> None:
    """Refused where no number of the metadata can lie at the path."""
    where = ("input", "points", "proportional", "path")
    catalog = _catalog(definitions)
    field = catalog.find(path)
    if field is None:
        message = f"There is no such attribute; the nearest is {catalog.nearest(path)!r}."
        raise refuse(Code.UNKNOWN_ATTRIBUTE, message, *where)
    if not may_hold_a_number(field):
        message = "Points count by one number in the metadata; give a path like metadata.spent."
        raise refuse(Code.INVALID, message, *where)


def _catalog(definitions: Definitions) -> Catalog:
    """The metadata as it is defined, also where that is not READY yet."""
    in_force = {
        key: definition.in_force for key, definition in definitions.metadata.definitions.items()
    }
    return Catalog({key: MetadataType(d.type, d.is_array) for key, d in in_force.items() if d})


def _require_unused(rules: list[EarningRule]) -> None:
    if rules:
        names = ", ".join(repr(rule.name) for rule in rules[:_MOST_NAMES])
        more = f" and {len(rules) - _MOST_NAMES:,} more" if len(rules) > _MOST_NAMES else ""
        message = f"The program is used by the earning rules {names}{more}; delete those first."
        raise refuse(Code.INVALID, message, "id")
