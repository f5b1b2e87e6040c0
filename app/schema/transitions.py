"""The log of transitions in the API."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import datetime
from inspect import cleandoc

import strawberry

from app.domain.transitions import Transition, TransitionCause, TransitionType
from app.schema.context import Info
from app.schema.customers import Customer, CustomerRef, reference
from app.schema.node import Node
from app.schema.paging import (
    USUAL,
    PageInfo,
    check_first,
    log_cursor,
    page,
    read_log_cursor,
)
from app.schema.scalars import Long
from app.schema.segments import Segment

strawberry.enum(TransitionType, description=cleandoc(TransitionType.__doc__ or ""))
strawberry.enum(TransitionCause, description=cleandoc(TransitionCause.__doc__ or ""))


@strawberry.type(description="A customer entered or left an active segment.")
class SegmentTransition(Node):
    sequence: Long = strawberry.field(
        description="1, 2, 3, ...: without gaps, in the order of commitment, over all segments."
    )
    cursor: str
    type: TransitionType
    cause: TransitionCause
    segment_id: strawberry.ID
    segment_name: str
    customer_source_id: str
    at: datetime
    customer_id: strawberry.Private[str]

    @strawberry.field(description="Null once the segment has been deleted.")
    async def segment(self, info: Info) -> Segment | None:
        found = await info.context.loaders.segments.load(self.segment_id)
        return Segment.of(found) if found else None

    @strawberry.field(description="Null once the customer has been deleted.")
    async def customer(self, info: Info) -> Customer | None:
        found = await info.context.loaders.customers.load(self.customer_id)
        return Customer.of(found) if found else None

    @classmethod
    def of(cls, transition: Transition) -> "SegmentTransition":
        crossing = transition.crossing
        return cls(
            id=strawberry.ID(transition.id),
            sequence=Long(transition.sequence),
            cursor=log_cursor(transition.sequence),
            type=crossing.type,
            cause=crossing.cause,
            segment_id=strawberry.ID(crossing.segment_id),
            segment_name=crossing.segment_name,
            customer_source_id=crossing.customer_source_id,
            at=crossing.at,
            customer_id=crossing.customer_id,
        )


@strawberry.type
class SegmentTransitionEdge:
    cursor: str
    node: SegmentTransition


@strawberry.type
class SegmentTransitionConnection:
    edges: list[SegmentTransitionEdge]
    nodes: list[SegmentTransition]
    page_info: PageInfo


@strawberry.type
class TransitionQuery:
    @strawberry.field(description="The log of transitions, oldest first.")
    async def segment_transitions(
        self,
        info: Info,
        first: int | None = USUAL,
        after: str | None = None,
        segment_ids: list[strawberry.ID] | None = None,
        customer: CustomerRef | None = None,
    ) -> SegmentTransitionConnection:
        first = check_first(first)
        place = read_log_cursor(after)
        ref = None if customer is None else reference(customer, "customer")
        service = info.context.services.transitions
        found = await service.page(place, first + 1, segment_ids, ref)
        shown = page(found, first, after, lambda transition: log_cursor(transition.sequence))
        nodes = [SegmentTransition.of(transition) for transition in shown.items]
        edges = [SegmentTransitionEdge(cursor=node.cursor, node=node) for node in nodes]
        return SegmentTransitionConnection(edges=edges, nodes=nodes, page_info=shown.info)

    @strawberry.field(
        description="Where the log ends now. Pass it as `after` when subscribing, and a cut before"
        " the first transition loses none."
    )
    async def transitions_cursor(self, info: Info) -> str:
        return log_cursor(await info.context.services.transitions.end())


@strawberry.type
class TransitionSubscription:
    @strawberry.subscription(
        description="Transitions as they are committed. With `after` (a transition's cursor), first"
        " those since then, so that a client that was away misses none and sees none twice."
    )
    async def segment_transitions(
        self,
        info: Info,
        segment_ids: list[strawberry.ID] | None = None,
        customer: CustomerRef | None = None,
        after: str | None = None,
    ) -> AsyncGenerator[SegmentTransition]:
        place = read_log_cursor(info.context.last_event_id or after)
        ref = None if customer is None else reference(customer, "customer")
        log = info.context.services.transitions.since(place, segment_ids, ref)
        async with aclosing(log) as transitions:
            async for transition in transitions:
                yield SegmentTransition.of(transition)
