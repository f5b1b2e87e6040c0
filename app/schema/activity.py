"""Events and orders in the API, and the timeline that they make."""

from collections.abc import Sequence
from datetime import datetime
from enum import Enum
from typing import Annotated

import strawberry
from strawberry import UNSET

from app.domain.events import Event
from app.domain.metadata import to_json
from app.domain.orders import Order as StoredOrder
from app.schema.connections import Connection, Edge
from app.schema.context import Info
from app.schema.customers import BulkPayload, CustomerRef, execute_bulk
from app.schema.input_json import input_to_json
from app.schema.loyalty import LedgerEntry
from app.schema.node import Node, to_node
from app.schema.scalars import JSON, Long
from app.schema.transitions import SegmentTransition


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


to_node.register(Event, CustomEvent.from_domain)
to_node.register(StoredOrder, Order.from_domain)


@strawberry.type
class TimelineEdge(Edge[TimelineEntry]):
    pass


@strawberry.type
class TimelineConnection(Connection[TimelineEntry]):
    edges: Sequence[TimelineEdge]


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
