"""Memberships of one customer, evaluated on request."""

from datetime import datetime
from typing import Annotated

import strawberry

from app.schema.context import Info
from app.schema.customers import CustomerRef, read_customer_ref
from app.schema.scalars import JSON
from app.schema.segments import Segment
from app.services.memberships import Membership

# The segments for the cost of an operation that does not name them.
_COUNTED_SEGMENTS = 100

Overrides = Annotated[
    JSON | None,
    strawberry.argument(
        description="Fields of the profile, as a JSON object. They replace the stored ones for"
        " this evaluation."
    ),
]


@strawberry.type(description="Whether a customer is a member of a segment at one instant.")
class SegmentMembership:
    segment: Segment = strawberry.field(description="The segment.")
    is_member: bool = strawberry.field(description="Whether the customer is a member.")
    evaluated_at: datetime = strawberry.field(description="The instant of evaluation.")
    membership: strawberry.Private[Membership]

    @strawberry.field(
        description="Condition by condition: what was wanted, what the customer has, and whether"
        " it holds."
    )
    async def explanation(self) -> JSON | None:
        return JSON(await self.membership.explanation())

    @strawberry.field(
        description="When this will change by the passing of time alone; null where it won't."
    )
    async def changes_at(self) -> datetime | None:
        return await self.membership.next_change_at()


@strawberry.type
class MembershipQuery:
    @strawberry.field(
        metadata={"size_argument": "segmentIds", "default_size": _COUNTED_SEGMENTS},
        description="Is the customer in these segments (default: all) at this moment? The stored"
        " profile, with `overrides` laid over it for this one question; a sourceId that is not"
        " known is judged by the overrides alone.",
    )
    async def segment_membership(
        self,
        info: Info,
        customer: Annotated[
            CustomerRef, strawberry.argument(description="The customer to evaluate.")
        ],
        segment_ids: Annotated[
            list[strawberry.ID] | None,
            strawberry.argument(description="The segments to evaluate. Default: all segments."),
        ] = None,
        overrides: Overrides = None,
    ) -> list[SegmentMembership]:
        now = info.context.now
        ref = read_customer_ref(customer, "customer")
        memberships = await info.context.services.memberships.evaluate(
            ref, segment_ids, overrides, now
        )
        return [
            SegmentMembership(
                segment=Segment.from_domain(membership.segment),
                is_member=membership.is_member,
                evaluated_at=now.at,
                membership=membership,
            )
            for membership in memberships
        ]
