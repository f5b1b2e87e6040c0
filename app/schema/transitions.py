"""The transition log in the API: pages and subscriptions."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing, suppress
from datetime import datetime
from typing import Annotated, NamedTuple

import strawberry

from app.domain.customers import Customer as StoredCustomer
from app.domain.segments import Segment as StoredSegment
from app.domain.transitions import Transition
from app.errors import PageTooLarge
from app.schema.connections import Connection, Page, make_page
from app.schema.context import Info
from app.schema.customers import Customer, CustomerRef, read_customer_ref
from app.schema.customers_reading import METADATA_FIELDS, load_customer
from app.schema.node import Node, to_node
from app.schema.paging import (
    DEFAULT_PAGE_SIZE,
    After,
    First,
    decode_log_cursor,
    encode_log_cursor,
    validate_page_size,
)
from app.schema.scalars import Long
from app.schema.segments import Segment
from app.schema.selection import selects_field
from app.schema.transition_enums import TransitionCause, TransitionType

# The arguments that select transitions, of the page and of the subscription.
SegmentIds = Annotated[
    list[strawberry.ID] | None,
    strawberry.argument(description="Only transitions of these segments. Default: all segments."),
]
OnlyCustomer = Annotated[
    CustomerRef | None, strawberry.argument(description="Only transitions of this customer.")
]


class BatchObjects(NamedTuple):
    """The objects that the events of a subscription refer to, by id, read for a batch of events.

    Each event is an operation of its own, which can't read together with others. None is not read.
    """

    segments: Mapping[str, StoredSegment] | None = None
    customers: Mapping[str, StoredCustomer] | None = None


_NOTHING_READ = BatchObjects()


@strawberry.type(description="A customer entered or left an active segment.")
class SegmentTransition(Node):
    sequence: Long = strawberry.field(
        description="1, 2, 3, ...: without gaps, in the order of commitment, over all segments."
    )
    cursor: str = strawberry.field(
        description="The position in the transition log after this transition. Pass it as"
        " `after` to read on or to subscribe from here."
    )
    type: TransitionType = strawberry.field(description="Whether the customer entered or left.")
    cause: TransitionCause = strawberry.field(description="Why the membership changed.")
    segment_id: strawberry.ID = strawberry.field(
        description="The id of the segment, even if the segment has been deleted."
    )
    segment_name: str = strawberry.field(description="The name that the segment had at the time.")
    customer_source_id: str = strawberry.field(
        description="The caller's own key of the customer, even if the customer has been deleted."
    )
    at: datetime = strawberry.field(description="When the membership changed.")
    customer_id: strawberry.Private[str]
    batch: strawberry.Private[BatchObjects]

    @strawberry.field(description="Null once the segment has been deleted.")
    async def segment(self, info: Info) -> Segment | None:
        stored_segment = (
            await info.context.loaders.segments.load(self.segment_id)
            if self.batch.segments is None
            else self.batch.segments.get(self.segment_id)
        )
        return Segment.from_domain(stored_segment) if stored_segment else None

    @strawberry.field(description="Null once the customer has been deleted.")
    async def customer(self, info: Info) -> Customer | None:
        if self.batch.customers is None:
            return await load_customer(info, self.customer_id)
        stored_customer = self.batch.customers.get(self.customer_id)
        return Customer.from_domain(stored_customer) if stored_customer else None

    @classmethod
    def from_domain(
        cls, transition: Transition, batch: BatchObjects = _NOTHING_READ
    ) -> "SegmentTransition":
        pending_transition = transition.details
        return cls(
            id=strawberry.ID(transition.id),
            sequence=Long(transition.sequence),
            cursor=encode_log_cursor(transition.sequence),
            type=pending_transition.type,
            cause=pending_transition.cause,
            segment_id=strawberry.ID(pending_transition.segment_id),
            segment_name=pending_transition.segment_name,
            customer_source_id=pending_transition.customer_source_id,
            at=pending_transition.at,
            customer_id=pending_transition.customer_id,
            batch=batch,
        )


to_node.register(Transition, SegmentTransition.from_domain)


@strawberry.type(description="A page of the transition log.")
class SegmentTransitionConnection(Connection[SegmentTransition]):
    pass


@strawberry.type
class TransitionQuery:
    @strawberry.field(
        graphql_type=SegmentTransitionConnection,
        description="The log of transitions, oldest first.",
    )
    async def segment_transitions(
        self,
        info: Info,
        first: First = DEFAULT_PAGE_SIZE,
        after: After = None,
        segment_ids: SegmentIds = None,
        customer: OnlyCustomer = None,
    ) -> Page[Transition]:
        first = validate_page_size(first)
        after_sequence = decode_log_cursor(after)
        ref = None if customer is None else read_customer_ref(customer, "customer")
        service = info.context.services.transitions
        transitions = await service.page(after_sequence, first + 1, segment_ids, ref)
        return make_page(
            transitions, first, after, lambda transition: encode_log_cursor(transition.sequence)
        )

    @strawberry.field(
        description="Where the log ends now. Pass it as `after` when subscribing, and a cut before"
        " the first transition loses none."
    )
    async def transitions_cursor(self, info: Info) -> str:
        return encode_log_cursor(await info.context.services.transitions.end())


@strawberry.type
class TransitionSubscription:
    @strawberry.subscription(
        description="Transitions as they are committed. With `after` (a transition's cursor), first"
        " those since then, so that a client that was away misses none and sees none twice."
    )
    async def segment_transitions(
        self,
        info: Info,
        segment_ids: SegmentIds = None,
        customer: OnlyCustomer = None,
        after: Annotated[
            str | None,
            strawberry.argument(
                description="The cursor of the last transition that the client has received."
                " Default: transitions from now on."
            ),
        ] = None,
    ) -> AsyncGenerator[SegmentTransition]:
        after_sequence = decode_log_cursor(info.context.last_event_id or after)
        ref = None if customer is None else read_customer_ref(customer, "customer")
        source = info.context.services.transitions.subscribe(after_sequence, segment_ids, ref)
        async with aclosing(source) as batches:
            async for transitions in batches:
                batch = await _read_objects(info, transitions)
                for transition in transitions:
                    yield SegmentTransition.from_domain(transition, batch)


async def _read_objects(info: Info, transitions: Sequence[Transition]) -> BatchObjects:
    """Reads what the selection shows of the transitions of a subscription. Metadata are left to
    each event: those of many customers are too large."""
    services = info.context.services
    segments = customers = None
    if selects_field(info, "segment"):
        segments = await services.segments.get_many(
            {transition.details.segment_id for transition in transitions}
        )
    if selects_field(info, "customer") and not selects_field(info, *METADATA_FIELDS):
        # Customers with very much data are left to each event, too.
        with suppress(PageTooLarge):
            customers = await services.customers.get_many(
                {transition.details.customer_id for transition in transitions}, with_metadata=False
            )
    return BatchObjects(segments, customers)
