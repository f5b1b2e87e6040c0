"""Loyalty in the API: programs, earning rules, and the ledger."""

from datetime import datetime

import strawberry
from strawberry import UNSET, Maybe

from app.domain.loyalty import EarningRule as StoredRule
from app.domain.loyalty import Fixed
from app.domain.loyalty import LedgerEntry as StoredEntry
from app.domain.loyalty import LoyaltyProgram as StoredProgram
from app.schema.context import Info
from app.schema.errors import UserError, attempt
from app.schema.node import Node
from app.schema.paging import PageInfo, check_first, page, place_cursor, read_place_cursor
from app.schema.scalars import Long
from app.schema.segments import Segment
from app.schema.transitions import SegmentTransition
from app.schema.wire import wire
from app.services.loyalty import RuleOn


@strawberry.type(description="What points are of.")
class LoyaltyProgram(Node):
    name: str
    created_at: datetime

    @strawberry.field
    async def earning_rules(self, info: Info) -> list["EarningRule"]:
        rules = await info.context.loaders.rules_of.load(self.id)
        return [EarningRule.of(rule) for rule in rules or ()]

    @classmethod
    def of(cls, stored: StoredProgram) -> "LoyaltyProgram":
        id_ = strawberry.ID(stored.id)
        return cls(id=id_, name=stored.name, created_at=stored.created_at)


@strawberry.type
class ProportionalPoints:
    path: str
    every: float
    points: int


@strawberry.type(description="One of the two.")
class EarningPoints:
    fixed: int | None = None
    proportional: ProportionalPoints | None = None


@strawberry.type(description="Points for whoever enters a segment.")
class EarningRule(Node):
    name: str
    active_from: datetime | None = strawberry.field(description="The first instant that counts.")
    active_until: datetime | None = strawberry.field(
        description="The first instant that doesn't count any more."
    )
    max_per_customer: int | None
    created_at: datetime
    segment: Segment
    stored: strawberry.Private[StoredRule]

    @strawberry.field
    async def program(self, info: Info) -> LoyaltyProgram:
        return await _program(self.stored.program_id, info)

    @strawberry.field(description="Whether who enters at this moment earns by it.")
    def enabled(self, info: Info) -> bool:
        return self.stored.interval.until is None and self.stored.enabled(info.context.now.at)

    @strawberry.field
    def points(self) -> EarningPoints:
        points = self.stored.points
        if isinstance(points, Fixed):
            return EarningPoints(fixed=points.points)
        proportional = ProportionalPoints(
            path=points.path, every=points.every, points=points.points
        )
        return EarningPoints(proportional=proportional)

    @classmethod
    def of(cls, found: RuleOn) -> "EarningRule":
        stored = found.rule
        return cls(
            id=strawberry.ID(stored.id),
            name=stored.name,
            active_from=stored.active_from,
            active_until=stored.active_until,
            max_per_customer=stored.max_per_customer,
            created_at=stored.created_at,
            segment=Segment.of(found.segment),
            stored=stored,
        )


@strawberry.type(
    description="`balance` is that of its program; LoyaltySummary.points is the sum over the"
    " programs."
)
class LedgerEntry(Node):
    points: Long
    balance: Long
    at: datetime
    stored: strawberry.Private[StoredEntry]

    @strawberry.field(description="Also one that has been deleted.")
    async def program(self, info: Info) -> LoyaltyProgram:
        return await _program(self.stored.program_id, info)

    @strawberry.field(description="Null once the rule has been deleted.")
    async def rule(self, info: Info) -> EarningRule | None:
        rule = await info.context.loaders.rules.load(self.stored.rule_id or "")
        return EarningRule.of(rule) if rule else None

    @strawberry.field(description="Null once the log is not kept so far back.")
    async def transition(self, info: Info) -> SegmentTransition | None:
        found = await info.context.loaders.transitions.load(self.stored.transition_id or "")
        return SegmentTransition.of(found) if found else None

    @classmethod
    def of(cls, stored: StoredEntry) -> "LedgerEntry":
        return cls(
            id=strawberry.ID(stored.id),
            points=Long(stored.points),
            balance=Long(stored.balance),
            at=stored.at,
            stored=stored,
        )


async def _program(id_: str, info: Info) -> LoyaltyProgram:
    program = await info.context.loaders.programs.load(id_)
    assert program is not None, "a program that anything refers to is kept"
    return LoyaltyProgram.of(program)


@strawberry.type
class LedgerEdge:
    cursor: str
    node: LedgerEntry


@strawberry.type
class LedgerConnection:
    edges: list[LedgerEdge]
    nodes: list[LedgerEntry]
    page_info: PageInfo


async def ledger_of(
    customer_id: str, info: Info, first: int | None, after: str | None
) -> LedgerConnection:
    first = check_first(first)
    place = read_place_cursor(after)
    found = await info.context.services.loyalty.ledger(customer_id, place, first + 1)
    shown = page(found, first, after, lambda entry: place_cursor((entry.at, entry.id)))
    nodes = [LedgerEntry.of(entry) for entry in shown.items]
    edges = [
        LedgerEdge(cursor=cursor, node=node)
        for cursor, node in zip(shown.cursors, nodes, strict=True)
    ]
    return LedgerConnection(edges=edges, nodes=nodes, page_info=shown.info)


@strawberry.input
class LoyaltyProgramInput:
    name: str


@strawberry.input
class ProportionalPointsInput:
    path: str
    every: float
    points: int


@strawberry.input(one_of=True)
class PointsInput:
    fixed: Maybe[int]
    proportional: Maybe[ProportionalPointsInput] = strawberry.field(
        description="points for every `every` of a numeric metadata path, rounded down"
    )


@strawberry.input
class EarningRuleInput:
    program_id: strawberry.ID
    name: str
    segment_id: strawberry.ID
    points: PointsInput
    active_from: datetime | None = strawberry.field(
        default=UNSET, description="The first instant that counts; default: from now on."
    )
    active_until: datetime | None = strawberry.field(
        default=UNSET, description="The first instant that doesn't count any more; default: never."
    )
    max_per_customer: int | None = UNSET


@strawberry.type
class LoyaltyProgramPayload:
    program: LoyaltyProgram | None
    user_errors: list[UserError]


@strawberry.type
class EarningRulePayload:
    earning_rule: EarningRule | None
    user_errors: list[UserError]


@strawberry.type
class LoyaltyQuery:
    @strawberry.field
    async def loyalty_programs(self, info: Info) -> list[LoyaltyProgram]:
        programs = await info.context.services.loyalty.programs()
        return [LoyaltyProgram.of(program) for program in programs]


@strawberry.type
class LoyaltyMutation:
    @strawberry.mutation
    async def loyalty_program_create(
        self, info: Info, input: LoyaltyProgramInput
    ) -> LoyaltyProgramPayload:
        service, now = info.context.services.loyalty, info.context.now.at
        made, errors = await attempt(service.create_program(wire(input), now))
        program = LoyaltyProgram.of(made) if made else None
        return LoyaltyProgramPayload(program=program, user_errors=errors)

    @strawberry.mutation(
        description="INVALID while a rule gives points in it. Nobody's points are taken."
    )
    async def loyalty_program_delete(self, info: Info, id: strawberry.ID) -> LoyaltyProgramPayload:
        deleted, errors = await attempt(info.context.services.loyalty.delete_program(id))
        program = LoyaltyProgram.of(deleted) if deleted else None
        return LoyaltyProgramPayload(program=program, user_errors=errors)

    @strawberry.mutation(
        description="Points for whoever enters the segment from now on; it becomes active."
    )
    async def earning_rule_create(self, info: Info, input: EarningRuleInput) -> EarningRulePayload:
        service, now = info.context.services.loyalty, info.context.now.at
        made, errors = await attempt(service.create_rule(wire(input), now))
        rule = EarningRule.of(made) if made else None
        return EarningRulePayload(earning_rule=rule, user_errors=errors)

    @strawberry.mutation(description="Whoever has entered until now earns by it still.")
    async def earning_rule_delete(self, info: Info, id: strawberry.ID) -> EarningRulePayload:
        deleted, errors = await attempt(info.context.services.loyalty.delete_rule(id))
        rule = EarningRule.of(deleted) if deleted else None
        return EarningRulePayload(earning_rule=rule, user_errors=errors)
