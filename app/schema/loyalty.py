"""Loyalty in the API: programs, earning rules, and the ledger."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Annotated

import strawberry
from strawberry import UNSET, Maybe

from app.domain.loyalty import EarningRule as StoredRule
from app.domain.loyalty import FixedPoints
from app.domain.loyalty import LedgerEntry as StoredEntry
from app.domain.loyalty import LoyaltyProgram as StoredProgram
from app.schema.connections import Connection, Edge
from app.schema.context import Info
from app.schema.errors import UserError, attempt
from app.schema.idempotency import IdempotencyKey, attempt_once
from app.schema.input_json import input_to_json
from app.schema.node import Node, to_node
from app.schema.scalars import Long
from app.schema.segments import Segment
from app.schema.transitions import SegmentTransition
from app.services.loyalty import RuleWithSegment


@strawberry.type(description="A loyalty program, in which customers collect points.")
class LoyaltyProgram(Node):
    name: str = strawberry.field(description="The name of the program.")
    created_at: datetime = strawberry.field(description="When the program was created.")

    @strawberry.field(description="The rules that award points in the program.")
    async def earning_rules(self, info: Info) -> list["EarningRule"]:
        rules = await info.context.loaders.rules_by_program.load(self.id)
        return [EarningRule.from_domain(rule) for rule in rules or ()]

    @classmethod
    def from_domain(cls, stored_program: StoredProgram) -> "LoyaltyProgram":
        id_ = strawberry.ID(stored_program.id)
        return cls(id=id_, name=stored_program.name, created_at=stored_program.created_at)


@strawberry.type(description="Points in proportion to a number in the customer's metadata.")
class ProportionalPoints:
    path: str = strawberry.field(description='The path of the number, like "metadata.spent".')
    every: float = strawberry.field(
        description="The step of the number that earns `points`. The server rounds the number"
        " of steps down."
    )
    points: int = strawberry.field(description="The points for each full step.")


@strawberry.type(
    description="How many points a rule awards. Exactly one of the fields is not null."
)
class EarningPoints:
    fixed: int | None = strawberry.field(
        default=None, description="The same number of points for every customer."
    )
    proportional: ProportionalPoints | None = strawberry.field(
        default=None, description="Points in proportion to a number in the customer's metadata."
    )


@strawberry.type(description="A rule that awards points to a customer who enters a segment.")
class EarningRule(Node):
    name: str = strawberry.field(description="The name of the rule.")
    active_from: datetime | None = strawberry.field(
        description="The first instant at which entering the segment earns points; null for no"
        " limit."
    )
    active_until: datetime | None = strawberry.field(
        description="The instant from which entering the segment earns no more points; null for"
        " no limit."
    )
    max_per_customer: int | None = strawberry.field(
        description="How often one customer may earn by this rule; null for no limit."
    )
    created_at: datetime = strawberry.field(description="When the rule was created.")
    segment: Segment = strawberry.field(description="The segment that the customer must enter.")
    stored_rule: strawberry.Private[StoredRule]

    @strawberry.field(description="The program in which the rule awards points.")
    async def program(self, info: Info) -> LoyaltyProgram:
        return await _load_program(self.stored_rule.program_id, info)

    @strawberry.field(
        description="Whether a customer who enters the segment now earns points: false while the"
        " rule is disabled, and outside its dates."
    )
    def enabled(self, info: Info) -> bool:
        return (
            self.stored_rule.log_interval.through_sequence is None
            and not self.stored_rule.is_disabled
            and self.stored_rule.is_in_force_at(info.context.now.at)
        )

    @strawberry.field(description="How many points the rule awards.")
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
    points: Long = strawberry.field(description="The points of this entry.")
    balance: Long = strawberry.field(
        description="The customer's balance in the program after this entry."
    )
    at: datetime = strawberry.field(description="When the points were awarded or adjusted.")
    reason: str | None = strawberry.field(
        description="Of an adjustment. Null for points that a rule awarded."
    )
    stored_entry: strawberry.Private[StoredEntry]

    @strawberry.field(description="The program of the points, even if it has been deleted since.")
    async def program(self, info: Info) -> LoyaltyProgram:
        return await _load_program(self.stored_entry.program_id, info)

    @strawberry.field(
        description="The rule that awarded the points; null for an adjustment, for the reward of a"
        " referral tier, and once the rule has been deleted."
    )
    async def rule(self, info: Info) -> EarningRule | None:
        rule = await info.context.loaders.rules.load(self.stored_entry.rule_id or "")
        return EarningRule.from_domain(rule) if rule else None

    @strawberry.field(
        description="The transition that earned the points; null for an adjustment, for the reward"
        " of a referral tier, and once the transition has been deleted from the log."
    )
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
            reason=stored_entry.reason,
            stored_entry=stored_entry,
        )


async def _load_program(id_: str, info: Info) -> LoyaltyProgram:
    program = await info.context.loaders.programs.load(id_)
    assert program is not None, "deleted programs stay in the store"
    return LoyaltyProgram.from_domain(program)


to_node.register(StoredProgram, LoyaltyProgram.from_domain)
to_node.register(RuleWithSegment, EarningRule.from_domain)
to_node.register(StoredEntry, LedgerEntry.from_domain)


@strawberry.type(description="A ledger entry of a page with its cursor.")
class LedgerEdge(Edge[LedgerEntry]):
    pass


@strawberry.type(description="A page of a customer's points ledger.")
class LedgerConnection(Connection[LedgerEntry]):
    edges: Sequence[LedgerEdge] = strawberry.field(
        description="The items of the page, each with its cursor."
    )


@strawberry.input(description="A loyalty program to create.")
class LoyaltyProgramInput:
    name: str = strawberry.field(description="The name of the program.")


@strawberry.input(description="Points in proportion to a number in the customer's metadata.")
class ProportionalPointsInput:
    path: str = strawberry.field(description='The path of the number, like "metadata.spent".')
    every: float = strawberry.field(
        description="The step of the number that earns `points`; more than 0."
    )
    points: int = strawberry.field(description="The points for each full step.")


@strawberry.input(one_of=True, description="How many points a rule awards.")
class PointsInput:
    fixed: Maybe[int] = strawberry.field(
        description="The same number of points for every customer."
    )
    proportional: Maybe[ProportionalPointsInput] = strawberry.field(
        description="points for every `every` of a numeric metadata path, rounded down"
    )


@strawberry.input(description="An earning rule to create.")
class EarningRuleInput:
    program_id: strawberry.ID = strawberry.field(
        description="The id of the program in which the rule awards points."
    )
    name: str = strawberry.field(description="The name of the rule.")
    segment_id: strawberry.ID = strawberry.field(
        description="The id of the segment that the customer must enter."
    )
    points: PointsInput = strawberry.field(description="How many points the rule awards.")
    active_from: datetime | None = strawberry.field(
        default=UNSET,
        description="The first instant at which entering the segment earns points. Default: now.",
    )
    active_until: datetime | None = strawberry.field(
        default=UNSET,
        description="The instant from which entering the segment earns no more points. Default:"
        " no limit.",
    )
    max_per_customer: int | None = strawberry.field(
        default=UNSET,
        description="How often one customer may earn by this rule. Default: no limit.",
    )


@strawberry.type(description="The result of creating or deleting a loyalty program.")
class LoyaltyProgramPayload:
    program: LoyaltyProgram | None = strawberry.field(
        description="The program; null if there are errors."
    )
    user_errors: list[UserError] = strawberry.field(
        description="Why nothing changed; empty on success."
    )


@strawberry.type(description="The result of creating, changing or deleting an earning rule.")
class EarningRulePayload:
    earning_rule: EarningRule | None = strawberry.field(
        description="The rule; null if there are errors."
    )
    user_errors: list[UserError] = strawberry.field(
        description="Why nothing changed; empty on success."
    )


@strawberry.type
class LoyaltyQuery:
    @strawberry.field(description="All loyalty programs.")
    async def loyalty_programs(self, info: Info) -> list[LoyaltyProgram]:
        programs = await info.context.services.loyalty.programs()
        return [LoyaltyProgram.from_domain(program) for program in programs]


@strawberry.type
class LoyaltyMutation:
    @strawberry.mutation(description="Creates a loyalty program.")
    async def loyalty_program_create(
        self,
        info: Info,
        input: Annotated[
            LoyaltyProgramInput, strawberry.argument(description="The program to create.")
        ],
        idempotency_key: IdempotencyKey = None,
    ) -> LoyaltyProgramPayload:
        service, now = info.context.services.loyalty, info.context.now.at
        input_object = input_to_json(input)
        create = partial(service.create_program, input_object, now)
        stored_program, errors = await attempt_once(
            info, idempotency_key, input_object, create, service.program
        )
        program = LoyaltyProgram.from_domain(stored_program) if stored_program else None
        return LoyaltyProgramPayload(program=program, user_errors=errors)

    @strawberry.mutation(
        description="Deletes a loyalty program. The result is INVALID while an earning rule or a"
        " referral tier awards points in it. Customers keep their points."
    )
    async def loyalty_program_delete(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The id of the program.")],
    ) -> LoyaltyProgramPayload:
        stored_program, errors = await attempt(info.context.services.loyalty.delete_program(id))
        program = LoyaltyProgram.from_domain(stored_program) if stored_program else None
        return LoyaltyProgramPayload(program=program, user_errors=errors)

    @strawberry.mutation(
        description="Creates a rule that awards points to each customer who enters the segment"
        " from now on. The segment becomes active."
    )
    async def earning_rule_create(
        self,
        info: Info,
        input: Annotated[EarningRuleInput, strawberry.argument(description="The rule to create.")],
        idempotency_key: IdempotencyKey = None,
    ) -> EarningRulePayload:
        service, now = info.context.services.loyalty, info.context.now.at
        input_object = input_to_json(input)
        create = partial(service.create_rule, input_object, now)
        stored_rule, errors = await attempt_once(
            info, idempotency_key, input_object, create, service.rule
        )
        rule = EarningRule.from_domain(stored_rule) if stored_rule else None
        return EarningRulePayload(earning_rule=rule, user_errors=errors)

    @strawberry.mutation(
        description="Enables or disables an earning rule. Customers who enter the segment while"
        " it is disabled earn nothing by it, also later. The segment stays active."
    )
    async def earning_rule_set_enabled(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The id of the rule.")],
        enabled: Annotated[
            bool, strawberry.argument(description="Whether the rule awards points from now on.")
        ],
    ) -> EarningRulePayload:
        service = info.context.services.loyalty
        stored_rule, errors = await attempt(service.set_rule_enabled(id, enabled))
        rule = EarningRule.from_domain(stored_rule) if stored_rule else None
        return EarningRulePayload(earning_rule=rule, user_errors=errors)

    @strawberry.mutation(
        description="Deletes an earning rule. Customers who entered the segment before still"
        " earn their points."
    )
    async def earning_rule_delete(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The id of the rule.")],
    ) -> EarningRulePayload:
        stored_rule, errors = await attempt(info.context.services.loyalty.delete_rule(id))
        rule = EarningRule.from_domain(stored_rule) if stored_rule else None
        return EarningRulePayload(earning_rule=rule, user_errors=errors)
