"""Events and orders in the API, and the timeline that they make."""

from datetime import datetime
from enum import Enum
from typing import Annotated

import strawberry
from strawberry import UNSET

from app.domain.customers import Customer
from app.domain.events import Event
from app.domain.loyalty import LedgerEntry as StoredEntry
from app.domain.metadata import to_json
from app.domain.orders import Order as StoredOrder
from app.domain.transitions import Transition
from app.schema.context import Info
from app.schema.customers import BulkPayload, CustomerRef, execute_bulk
from app.schema.input_json import input_to_json
from app.schema.loyalty import LedgerEntry
from app.schema.node import Node
from app.schema.paging import (
    PageInfo,
    decode_time_cursor,
    encode_time_cursor,
    make_page,
    validate_page_size,
)
from app.schema.scalars import JSON, Long
from app.schema.transitions import SegmentTransition
from app.services.timeline import TimelineItem


@strawberry.enum(description="An order counts while it is PAID or FULFILLED.")
class OrderStatus(Enum):
    CREATED = "CREATED"
    PAID = "PAID"
    FULFILLED = "FULFILLED"
    CANCELED = "CANCELED"


@strawberry.input
class EventInput:
    customer: CustomerRef = strawberry.field(
        description="A sourceId that is not known creates the customer."
    )
    name: str
    at: datetime | None = strawberry.field(default=UNSET, description="Default: now.")
    properties: JSON | None = UNSET
    idempotency_key: str | None = strawberry.field(
        default=UNSET, description="The same key again changes nothing."
    )


@strawberry.input(
    description=(
        "The caller's own sourceId is the key: sent again, it updates the order, and a field that"
        " is left out keeps its stored value. A new order needs an amount; without a status it is"
        " PAID, without a time it is of now."
    )
)
class OrderInput:
    source_id: str
    customer: CustomerRef = strawberry.field(
        description="A sourceId that is not known creates the customer."
    )
    status: OrderStatus | None = UNSET
    amount: Long | None = strawberry.field(default=UNSET, description="In minor units (cents).")
    at: datetime | None = UNSET
    metadata: JSON | None = strawberry.field(
        default=UNSET,
        description="Merged key by key; a key set to null is removed, and null removes all keys.",
    )


@strawberry.type
class CustomEvent(Node):
    name: str
    at: datetime
    properties: JSON

    @classmethod
    def from_domain(cls, event: Event) -> "CustomEvent":
        return cls(
            id=strawberry.ID(event.id),
            name=event.name,
            at=event.at,
            properties=JSON(to_json(event.properties)),
        )


@strawberry.type
class Order(Node):
    source_id: str
    status: OrderStatus
    amount: Long
    at: datetime
    metadata: JSON

    @classmethod
    def from_domain(cls, order: StoredOrder) -> "Order":
        return cls(
            id=strawberry.ID(order.id),
            source_id=order.source_id,
            status=OrderStatus(order.status),
            amount=Long(order.amount),
            at=order.at,
            metadata=JSON(to_json(order.metadata)),
        )


TimelineEntry = Annotated[
    CustomEvent | Order | SegmentTransition | LedgerEntry, strawberry.union("TimelineEntry")
]


def _to_timeline_entry(
    entry: TimelineItem,
) -> CustomEvent | Order | SegmentTransition | LedgerEntry:
    match entry:
        case Event():
            return CustomEvent.from_domain(entry)
        case StoredOrder():
            return Order.from_domain(entry)
        case Transition():
            return SegmentTransition.from_domain(entry)
        case StoredEntry():
            return LedgerEntry.from_domain(entry)


@strawberry.type
class TimelineEdge:
    cursor: str
    node: TimelineEntry


@strawberry.type
class TimelineConnection:
    edges: list[TimelineEdge]
    nodes: list[TimelineEntry]
    page_info: PageInfo


async def resolve_timeline(
    customer: Customer, info: Info, first: int | None, after: str | None
) -> TimelineConnection:
    first = validate_page_size(first)
    after_key = decode_time_cursor(after)
    entries = await info.context.services.timeline.page(customer.id, after_key, first + 1)
    page = make_page(entries, first, after, lambda entry: encode_time_cursor((entry.at, entry.id)))
    nodes = [_to_timeline_entry(entry) for entry in page.items]
    edges = [
        TimelineEdge(cursor=cursor, node=node)
        for cursor, node in zip(page.cursors, nodes, strict=True)
    ]
    return TimelineConnection(edges=edges, nodes=nodes, page_info=page.info)


@strawberry.type
class ActivityMutation:
    @strawberry.mutation(description="Takes custom events; an unknown sourceId makes a customer.")
    async def events_track(self, info: Info, inputs: list[EventInput]) -> BulkPayload:
        now = info.context.now.at
        return await execute_bulk(info.context.services.events.track(input_to_json(inputs), now))

    @strawberry.mutation(description="Takes new orders, and new revisions of known ones.")
    async def orders_upsert(self, info: Info, inputs: list[OrderInput]) -> BulkPayload:
        now = info.context.now.at
        return await execute_bulk(info.context.services.orders.upsert(input_to_json(inputs), now))
