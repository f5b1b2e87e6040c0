"""Loyalty in the API: programs, earning rules, and the ledger."""

from collections.abc import Sequence
from datetime import datetime

import strawberry
from strawberry import UNSET, Maybe

from app.domain.loyalty import EarningRule as StoredRule
from app.domain.loyalty import FixedPoints
from app.domain.loyalty import LedgerEntry as StoredEntry
from app.domain.loyalty import LoyaltyProgram as StoredProgram
from app.schema.connections import Connection, Edge
from app.schema.context import Info
from app.schema.errors import UserError, attempt
from app.schema.input_json import input_to_json
from app.schema.node import Node, to_node
from app.schema.scalars import Long
from app.schema.segments import Segment
from app.schema.transitions import SegmentTransition
from app.services.loyalty import RuleWithSegment


@strawberry.type(description="What points are of.")
class LoyaltyProgram(Node):
    name: str
    created_at: datetime

    @strawberry.field
    async def earning_rules(self, info: Info) -> list["EarningRule"]:
        rules = await info.context.loaders.rules_by_program.load(self.id)
        return [EarningRule.from_domain(rule) for rule in rules or ()]

    @classmethod
    def from_domain(cls, stored_program: StoredProgram) -> "LoyaltyProgram":
        id_ = strawberry.ID(stored_program.id)
        return cls(id=id_, name=stored_program.name, created_at=stored_program.created_at)


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
    stored_rule: strawberry.Private[StoredRule]

    @strawberry.field
    async def program(self, info: Info) -> LoyaltyProgram:
        return await _load_program(self.stored_rule.program_id, info)

    @strawberry.field(description="Whether who enters at this moment earns by it.")
    def enabled(self, info: Info) -> bool:
        return (
            self.stored_rule.log_interval.through_sequence is None
            and self.stored_rule.is_enabled_at(info.context.now.at)
        )

    @strawberry.field
    def points(self) -> EarningPoints:
        points = self.stored_rule.points
        if isinstance(points, FixedPoints):
            return EarningPoints(fixed=points.points)
        proportional = ProportionalPoints(
            path=points.path, every=points.every, points=points.points
        )
        return EarningPoints(proportional=proportional)

    @classmethod
    def from_domain(cls, rule_on_segment: RuleWithSegment) -> "EarningRule":
        stored_rule = rule_on_segment.rule
        return cls(
            id=strawberry.ID(stored_rule.id),
            name=stored_rule.name,
            active_from=stored_rule.active_from,
            active_until=stored_rule.active_until,
            max_per_customer=stored_rule.max_per_customer,
            created_at=stored_rule.created_at,
            segment=Segment.from_domain(rule_on_segment.segment),
            stored_rule=stored_rule,
        )


@strawberry.type(
    description="`balance` is that of its program; LoyaltySummary.points is the sum over the"
    " programs."
)
class LedgerEntry(Node):
    points: Long
    balance: Long
    at: datetime
    stored_entry: strawberry.Private[StoredEntry]

    @strawberry.field(description="Also one that has been deleted.")
    async def program(self, info: Info) -> LoyaltyProgram:
        return await _load_program(self.stored_entry.program_id, info)

    @strawberry.field(description="Null once the rule has been deleted.")
    async def rule(self, info: Info) -> EarningRule | None:
        rule = await info.context.loaders.rules.load(self.stored_entry.rule_id or "")
        return EarningRule.from_domain(rule) if rule else None

    @strawberry.field(description="Null once the log is not kept so far back.")
    async def transition(self, info: Info) -> SegmentTransition | None:
        stored_transition = await info.context.loaders.transitions.load(
            self.stored_entry.transition_id or ""
        )
        return SegmentTransition.from_domain(stored_transition) if stored_transition else None

    @classmethod
    def from_domain(cls, stored_entry: StoredEntry) -> "LedgerEntry":
        return cls(
            id=strawberry.ID(stored_entry.id),
            points=Long(stored_entry.points),
            balance=Long(stored_entry.balance),
            at=stored_entry.at,
            stored_entry=stored_entry,
        )


async def _load_program(id_: str, info: Info) -> LoyaltyProgram:
    program = await info.context.loaders.programs.load(id_)
    assert program is not None, "a program that anything refers to is kept"
    return LoyaltyProgram.from_domain(program)


to_node.register(StoredProgram, LoyaltyProgram.from_domain)
to_node.register(RuleWithSegment, EarningRule.from_domain)
to_node.register(StoredEntry, LedgerEntry.from_domain)


@strawberry.type
class LedgerEdge(Edge[LedgerEntry]):
    pass


@strawberry.type
class LedgerConnection(Connection[LedgerEntry]):
    edges: Sequence[LedgerEdge]


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
        return [LoyaltyProgram.from_domain(program) for program in programs]


@strawberry.type
class LoyaltyMutation:
    @strawberry.mutation
    async def loyalty_program_create(
        self, info: Info, input: LoyaltyProgramInput
    ) -> LoyaltyProgramPayload:
        service, now = info.context.services.loyalty, info.context.now.at
        stored_program, errors = await attempt(service.create_program(input_to_json(input), now))
        program = LoyaltyProgram.from_domain(stored_program) if stored_program else None
        return LoyaltyProgramPayload(program=program, user_errors=errors)

    @strawberry.mutation(
        description="INVALID while a rule gives points in it. Nobody's points are taken."
    )
    async def loyalty_program_delete(self, info: Info, id: strawberry.ID) -> LoyaltyProgramPayload:
        stored_program, errors = await attempt(info.context.services.loyalty.delete_program(id))
        program = LoyaltyProgram.from_domain(stored_program) if stored_program else None
        return LoyaltyProgramPayload(program=program, user_errors=errors)

    @strawberry.mutation(
        description="Points for whoever enters the segment from now on; it becomes active."
    )
    async def earning_rule_create(self, info: Info, input: EarningRuleInput) -> EarningRulePayload:
        service, now = info.context.services.loyalty, info.context.now.at
        stored_rule, errors = await attempt(service.create_rule(input_to_json(input), now))
        rule = EarningRule.from_domain(stored_rule) if stored_rule else None
        return EarningRulePayload(earning_rule=rule, user_errors=errors)

    @strawberry.mutation(description="Whoever has entered until now earns by it still.")
    async def earning_rule_delete(self, info: Info, id: strawberry.ID) -> EarningRulePayload:
        stored_rule, errors = await attempt(info.context.services.loyalty.delete_rule(id))
        rule = EarningRule.from_domain(stored_rule) if stored_rule else None
        return EarningRulePayload(earning_rule=rule, user_errors=errors)
