"""Referral programs in the API."""

from functools import partial
from typing import Annotated

import strawberry
from strawberry import UNSET, Maybe

from app.domain.referrals import CodeReward, PointsReward
from app.domain.referrals import ReferralProgram as StoredProgram
from app.domain.referrals import ReferralTier as StoredTier
from app.schema.code_pools import CodePool
from app.schema.context import Info
from app.schema.customers import Customer, CustomerRef
from app.schema.errors import UserError, attempt
from app.schema.idempotency import IdempotencyKey, attempt_once
from app.schema.input_json import input_to_json
from app.schema.loyalty import LoyaltyProgram
from app.schema.node import Node, to_node
from app.schema.scalars import Long
from app.schema.segments import Segment


@strawberry.type(
    description="A step of a referral program, with the reward of a referrer who reaches it:"
    " points or a code. Each referrer gets the reward once."
)
class ReferralTier(Node):
    name: str = strawberry.field(description="The name of the tier.")
    min_referrals: int = strawberry.field(
        description="The number of different referees that a referrer needs."
    )
    stored_tier: strawberry.Private[StoredTier]

    @strawberry.field(description="Members of this segment only; it was made active.")
    async def segment(self, info: Info) -> Segment | None:
        stored_segment = await info.context.loaders.segments.load(self.stored_tier.segment_id or "")
        return Segment.from_domain(stored_segment) if stored_segment else None

    @strawberry.field(description="The points of the reward; null if it is a code.")
    def points(self) -> Long | None:
        reward = self.stored_tier.reward
        return Long(reward.points) if isinstance(reward, PointsReward) else None

    @strawberry.field(
        description="The loyalty program of the points, even if it has been deleted since; null if"
        " the reward is a code."
    )
    async def program(self, info: Info) -> LoyaltyProgram | None:
        reward = self.stored_tier.reward
        if not isinstance(reward, PointsReward):
            return None
        stored_program = await info.context.loaders.programs.load(reward.loyalty_program_id)
        return LoyaltyProgram.from_domain(stored_program) if stored_program else None

    @strawberry.field(description="The pool of the code; null if the reward is points.")
    async def code_pool(self, info: Info) -> CodePool | None:
        reward = self.stored_tier.reward
        if not isinstance(reward, CodeReward):
            return None
        stored_pool = await info.context.loaders.code_pools.load(reward.pool_id)
        return CodePool.from_domain(stored_pool) if stored_pool else None

    @classmethod
    def from_domain(cls, stored_tier: StoredTier) -> "ReferralTier":
        return cls(
            id=strawberry.ID(stored_tier.id),
            name=stored_tier.name,
            min_referrals=stored_tier.min_referrals,
            stored_tier=stored_tier,
        )


@strawberry.type(description="A program in which customers get rewards for referring others.")
class ReferralProgram(Node):
    name: str = strawberry.field(description="The name of the program.")
    tiers: list[ReferralTier] = strawberry.field(
        description="The tiers of the program, as they were sent."
    )

    @classmethod
    def from_domain(cls, stored_program: StoredProgram) -> "ReferralProgram":
        return cls(
            id=strawberry.ID(stored_program.id),
            name=stored_program.name,
            tiers=[ReferralTier.from_domain(tier) for tier in stored_program.tiers],
        )


to_node.register(StoredProgram, ReferralProgram.from_domain)
to_node.register(StoredTier, ReferralTier.from_domain)


@strawberry.input(description="Points in a loyalty program.")
class RewardPointsInput:
    program_id: strawberry.ID = strawberry.field(description="The id of the loyalty program.")
    points: int = strawberry.field(description="The number of points, at least 1.")


@strawberry.input(one_of=True, description="What a referrer gets: points or a code.")
class RewardInput:
    points: Maybe[RewardPointsInput] = strawberry.field(description="Points in a loyalty program.")
    code_pool_id: Maybe[strawberry.ID] = strawberry.field(
        description="A code of the pool with this id. If the pool has run out, the reward waits"
        " until codes are added."
    )


@strawberry.input(description="A tier of a referral program to create.")
class ReferralTierInput:
    name: str = strawberry.field(description="The name of the tier, unique in the program.")
    min_referrals: int = strawberry.field(
        description="The number of different referees that a referrer needs, at least 1."
    )
    segment_id: strawberry.ID | None = strawberry.field(
        default=UNSET,
        description="The id of a segment. A referrer gets the reward only as a member: at once, or"
        " when they enter it later. The segment becomes active. Default: no segment.",
    )
    reward: RewardInput = strawberry.field(description="What the referrer gets.")


@strawberry.input(description="A referral program to create.")
class ReferralProgramInput:
    name: str = strawberry.field(description="The name of the program.")
    tiers: list[ReferralTierInput] = strawberry.field(
        description="The tiers of the program, from 1 to 100."
    )


@strawberry.type(description="The result of creating or deleting a referral program.")
class ReferralProgramPayload:
    program: ReferralProgram | None = strawberry.field(
        description="The program; null if there are errors."
    )
    user_errors: list[UserError] = strawberry.field(
        description="Why nothing changed; empty on success."
    )


@strawberry.type(
    description="A referee counts once in a program; a customer can't refer themselves."
)
class ReferralPayload:
    referrer: Customer | None = strawberry.field(
        description="The referrer; null if there are errors."
    )
    referral_count: int | None = strawberry.field(
        description="How many customers the referrer has referred in the program, customers"
        " deleted since included; null if there are errors."
    )
    user_errors: list[UserError] = strawberry.field(
        description="Why nothing changed; empty on success."
    )


@strawberry.type
class ReferralQuery:
    @strawberry.field(description="All referral programs, in the order of their creation.")
    async def referral_programs(self, info: Info) -> list[ReferralProgram]:
        programs = await info.context.services.referrals.programs()
        return [ReferralProgram.from_domain(program) for program in programs]


@strawberry.type
class ReferralMutation:
    @strawberry.mutation(
        description="Creates a referral program. The segments of its tiers become active."
    )
    async def referral_program_create(
        self,
        info: Info,
        input: Annotated[
            ReferralProgramInput, strawberry.argument(description="The program to create.")
        ],
        idempotency_key: IdempotencyKey = None,
    ) -> ReferralProgramPayload:
        service, now = info.context.services.referrals, info.context.now.at
        input_object = input_to_json(input)
        create = partial(service.create_program, input_object, now)
        stored_program, errors = await attempt_once(
            info, idempotency_key, input_object, create, service.program
        )
        program = ReferralProgram.from_domain(stored_program) if stored_program else None
        return ReferralProgramPayload(program=program, user_errors=errors)

    @strawberry.mutation(
        description="Deletes a referral program. Customers keep their rewards, and still get those"
        " that they earned before."
    )
    async def referral_program_delete(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The id of the program.")],
    ) -> ReferralProgramPayload:
        stored_program, errors = await attempt(info.context.services.referrals.delete_program(id))
        program = ReferralProgram.from_domain(stored_program) if stored_program else None
        return ReferralProgramPayload(program=program, user_errors=errors)

    @strawberry.mutation(
        description="Records that a customer referred another one. Gives the referrer the rewards"
        " that they earn by it. If somebody has already referred the referee in the program, the"
        " call succeeds and changes nothing."
    )
    async def referral_record(
        self,
        info: Info,
        program_id: Annotated[
            strawberry.ID, strawberry.argument(description="The id of the program.")
        ],
        referrer: Annotated[
            CustomerRef, strawberry.argument(description="The customer who gets the rewards.")
        ],
        referee: Annotated[
            CustomerRef, strawberry.argument(description="The customer whom they referred.")
        ],
    ) -> ReferralPayload:
        recorded, errors = await attempt(
            info.context.services.referrals.record(
                program_id, input_to_json(referrer), input_to_json(referee)
            )
        )
        if recorded is None:
            return ReferralPayload(referrer=None, referral_count=None, user_errors=errors)
        return ReferralPayload(
            referrer=Customer.from_domain(recorded.referrer),
            referral_count=recorded.referral_count,
            user_errors=[],
        )
