"""Custom events, orders and the timeline of a customer in the API."""

from collections.abc import Sequence
from datetime import datetime
from enum import Enum
from typing import Annotated

import strawberry
from strawberry import UNSET

from app.domain.events import Event
from app.domain.metadata import to_json
from app.domain.orders import Order as StoredOrder
from app.domain.orders import OrderItem as StoredOrderItem
from app.schema.bulk import BulkPayload, execute_bulk
from app.schema.connections import Connection, Edge
from app.schema.context import Info
from app.schema.customers import CustomerRef
from app.schema.deliveries import Delivery
from app.schema.http.large_inputs import LargeInput
from app.schema.loyalty import LedgerEntry
from app.schema.node import Node, to_node
from app.schema.scalars import JSON, Long
from app.schema.transitions import SegmentTransition

# The items of an order for the limit of a result. An order may have 500, but few have more than a
# hundred, and a page of a hundred orders with all fields of their items is within the limit.
_COUNTED_ORDER_ITEMS = 200


@strawberry.enum(description="An order counts while it is PAID or FULFILLED.")
class OrderStatus(Enum):
    CREATED = strawberry.enum_value("CREATED", description="The order is not paid yet.")
    PAID = strawberry.enum_value("PAID", description="The order is paid.")
    FULFILLED = strawberry.enum_value("FULFILLED", description="The order is paid and delivered.")
    CANCELED = strawberry.enum_value("CANCELED", description="The order is canceled.")


@strawberry.input(description="A custom event to record.")
class EventInput:
    customer: CustomerRef = strawberry.field(
        description="A sourceId that is not known creates the customer."
    )
    name: str = strawberry.field(description="The name of the event.")
    at: datetime | None = strawberry.field(
        default=UNSET, description="When the event happened. Default: now."
    )
    properties: JSON | None = strawberry.field(
        default=UNSET, description="The caller's own fields of the event, as a JSON object."
    )
    idempotency_key: str | None = strawberry.field(
        default=UNSET,
        description="A key of the caller's choice. The same key again changes nothing.",
    )


@strawberry.input(
    description="A line of an order. Each counts as an event named `order.item` while its order"
    " counts."
)
class OrderItemInput:
    sku: str = strawberry.field(description="The caller's own key of the product.")
    name: str | None = strawberry.field(default=UNSET, description="The name of the product.")
    category: str | None = strawberry.field(
        default=UNSET, description="The category of the product."
    )
    quantity: int | None = strawberry.field(default=1, description="The number of pieces.")
    amount: Long = strawberry.field(
        description="The amount of the line as a whole, in minor units (cents)."
    )
    metadata: JSON | None = strawberry.field(
        default=UNSET, description="The caller's own fields of the item, as a JSON object."
    )


@strawberry.input(
    description=(
        "The caller's own sourceId is the key: sent again, it updates the order, and a field that"
        " is left out keeps its stored value. A new order needs an amount; without a status it is"
        " PAID, without a time it is of now."
    )
)
class OrderInput:
    source_id: str = strawberry.field(description="The caller's own key of the order.")
    customer: CustomerRef = strawberry.field(
        description="A sourceId that is not known creates the customer."
    )
    status: OrderStatus | None = strawberry.field(
        default=UNSET, description="The status of the order."
    )
    amount: Long | None = strawberry.field(
        default=UNSET, description="The amount in minor units (cents)."
    )
    at: datetime | None = strawberry.field(default=UNSET, description="When the order was made.")
    revised_at: datetime | None = strawberry.field(
        default=UNSET,
        description="When this version of the order was made. An older version than the stored one"
        " is accepted and ignored. A call without it always counts as newer.",
    )
    items: list[OrderItemInput] | None = strawberry.field(
        default=UNSET,
        description="Line items; given, they replace the stored ones. At most 500. An empty list or"
        " null removes them.",
    )
    metadata: JSON | None = strawberry.field(
        default=UNSET,
        description="The caller's own fields, merged key by key; a key set to null is removed,"
        " and null removes all keys.",
    )


@strawberry.type(description="A custom event of a customer.")
class CustomEvent(Node):
    name: str = strawberry.field(description="The name of the event.")
    at: datetime = strawberry.field(description="When the event happened.")
    properties: JSON = strawberry.field(
        description="The caller's own fields of the event, as a JSON object."
    )

    @classmethod
    def from_domain(cls, event: Event) -> "CustomEvent":
        return cls(
            id=strawberry.ID(event.id),
            name=event.name,
            at=event.at,
            properties=JSON(to_json(event.properties)),
        )


@strawberry.type(
    description="A line of an order. It counts as an event named `order.item` while its order"
    " counts."
)
class OrderItem:
    sku: str = strawberry.field(description="The caller's own key of the product.")
    name: str | None = strawberry.field(description="The name of the product.")
    category: str | None = strawberry.field(description="The category of the product.")
    quantity: int = strawberry.field(description="The number of pieces.")
    amount: Long = strawberry.field(
        description="The amount of the line as a whole, in minor units (cents)."
    )
    metadata: JSON = strawberry.field(
        description="The caller's own fields of the item, as a JSON object."
    )

    @classmethod
    def from_domain(cls, item: StoredOrderItem) -> "OrderItem":
        return cls(
            sku=item.sku,
            name=item.name,
            category=item.category,
            quantity=item.quantity,
            amount=Long(item.amount),
            metadata=JSON(to_json(item.metadata)),
        )


@strawberry.type(description="An order of a customer.")
class Order(Node):
    source_id: str = strawberry.field(description="The caller's own key of the order.")
    status: OrderStatus = strawberry.field(description="The status of the order.")
    amount: Long = strawberry.field(description="The amount in minor units (cents).")
    at: datetime = strawberry.field(description="When the order was made.")
    revised_at: datetime | None = strawberry.field(
        description="When the stored version of the order was made; null if no call has said."
    )
    items: list[OrderItem] = strawberry.field(
        metadata={"max_items": _COUNTED_ORDER_ITEMS},
        description="The line items, in the order in which they were sent.",
    )
    metadata: JSON = strawberry.field(description="The caller's own fields, as a JSON object.")

    @classmethod
    def from_domain(cls, order: StoredOrder) -> "Order":
        return cls(
            id=strawberry.ID(order.id),
            source_id=order.source_id,
            status=OrderStatus(order.status),
            amount=Long(order.amount),
            at=order.at,
            revised_at=order.revised_at,
            items=[OrderItem.from_domain(item) for item in order.items],
            metadata=JSON(to_json(order.metadata)),
        )


TimelineEntry = Annotated[
    CustomEvent | Order | SegmentTransition | LedgerEntry | Delivery,
    strawberry.union("TimelineEntry", description="Something that happened to a customer."),
]


to_node.register(Event, CustomEvent.from_domain)
to_node.register(StoredOrder, Order.from_domain)


@strawberry.type(description="An entry of a page of a timeline with its cursor.")
class TimelineEdge(Edge[TimelineEntry]):
    pass


@strawberry.type(description="A page of a customer's timeline.")
class TimelineConnection(Connection[TimelineEntry]):
    edges: Sequence[TimelineEdge] = strawberry.field(
        description="The items of the page, each with its cursor."
    )


@strawberry.type
class ActivityMutation:
    @strawberry.mutation(
        extensions=[LargeInput()],
        description="Records custom events. An unknown sourceId creates the customer.",
    )
    async def events_track(
        self,
        info: Info,
        inputs: Annotated[
            list[EventInput],
            strawberry.argument(description="The events to record, at most 1,000."),
        ],
    ) -> BulkPayload:
        now = info.context.now.at
        return await execute_bulk(info.context.services.events.track, inputs, now)

    @strawberry.mutation(
        extensions=[LargeInput()], description="Creates orders and updates known ones."
    )
    async def orders_upsert(
        self,
        info: Info,
        inputs: Annotated[
            list[OrderInput],
            strawberry.argument(description="The orders to create or update, at most 1,000."),
        ],
    ) -> BulkPayload:
        now = info.context.now.at
        return await execute_bulk(info.context.services.orders.upsert, inputs, now)
