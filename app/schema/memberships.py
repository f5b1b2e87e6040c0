"""Evaluations of segments and filters on request: memberships and previews."""

import asyncio
from datetime import datetime
from typing import Annotated

import strawberry

from app.schema.context import Info
from app.schema.customers import Customer, CustomerRef, prepare_metadata, read_customer_ref
from app.schema.filters import FilterInput
from app.schema.input_json import input_to_json
from app.schema.paging import validate_page_size
from app.schema.scalars import JSON, Long
from app.schema.segments import Segment
from app.services.memberships import Membership
from app.services.query_planner import PlannedQuery


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
    def explanation(self) -> JSON | None:
        return JSON(self.membership.explanation())

    @strawberry.field(
        description="When this will change by the passing of time alone; null where it won't."
    )
    async def changes_at(self) -> datetime | None:
        # This may go through years of events. In a thread it does not hold up other requests.
        return await asyncio.to_thread(self.membership.next_change_at)


@strawberry.type(description="What a filter selects now.")
class SegmentPreview:
    planned_query: strawberry.Private[PlannedQuery]

    @strawberry.field(description="The number of customers who match the filter.")
    async def member_count(self) -> Long:
        return Long(await self.planned_query.count())

    @strawberry.field(
        description="The first customers who match the filter, in the order of their ids."
    )
    async def sample(
        self,
        info: Info,
        first: Annotated[
            int | None,
            strawberry.argument(description="The maximum number of customers, from 1 to 100."),
        ] = 10,
    ) -> list[Customer]:
        customers = await self.planned_query.page(None, validate_page_size(first, default_size=10))
        await prepare_metadata(info)
        return [Customer.from_domain(customer) for customer in customers]


@strawberry.type
class MembershipQuery:
    @strawberry.field(description="What a filter would select, before it is saved.")
    async def segment_preview(
        self,
        info: Info,
        filter: Annotated[FilterInput, strawberry.argument(description="The filter to evaluate.")],
    ) -> SegmentPreview:
        services, filter_json = info.context.services, input_to_json(filter)
        planned_query = await services.segments.preview(filter_json, info.context.now)
        info.context.add_hints(await services.filter_hints.find(filter_json, "filter"))
        return SegmentPreview(planned_query=planned_query)

    @strawberry.field(
        description="Is the customer in these segments (default: all) at this moment? The stored"
        " profile, with `overrides` laid over it for this one question; a sourceId that is not"
        " known is judged by the overrides alone."
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
        overrides: Annotated[
            JSON | None,
            strawberry.argument(
                description="Fields of the profile, as a JSON object. They replace the stored ones"
                " for this evaluation."
            ),
        ] = None,
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
