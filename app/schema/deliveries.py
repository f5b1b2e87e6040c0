"""Deliveries in the API: what a distribution sends to one customer."""

from collections.abc import Sequence
from datetime import datetime

import strawberry

from app.domain.deliveries import Delivery as StoredDelivery
from app.domain.deliveries import DeliveryStatus
from app.schema.connections import CountedConnection, Edge
from app.schema.context import Info
from app.schema.customers import Customer
from app.schema.customers_reading import load_customer
from app.schema.enums import register_enum
from app.schema.errors import UserError
from app.schema.node import Node, to_node
from app.schema.transitions import SegmentTransition

register_enum(
    DeliveryStatus,
    "How far a delivery has come.",
    {
        "PENDING": "It has not been sent yet.",
        "DELIVERED": "The receiver has accepted it.",
        "RETRYING": "An attempt failed, and another follows.",
        "FAILED": "The receiver did not accept it, and no attempt follows.",
        "SKIPPED": "It is not sent: the customer has no email address, or the distribution was"
        " deleted before.",
    },
)


@strawberry.type(description="A message of a distribution to one customer.")
class Delivery(Node):
    status: DeliveryStatus = strawberry.field(description="How far the delivery has come.")
    attempts: int = strawberry.field(
        description="The number of attempts, since the last retry by hand."
    )
    code: str | None = strawberry.field(description="The code that is sent along, if any.")
    last_error: str | None = strawberry.field(
        description="Why the last attempt failed, or why the delivery is not sent."
    )
    next_attempt_at: datetime | None = strawberry.field(
        description="When the next attempt is due; null if none is: the delivery is finished, or"
        " waits for a code."
    )
    delivered_at: datetime | None = strawberry.field(
        description="When the receiver accepted it; null before."
    )
    created_at: datetime = strawberry.field(description="When the delivery was made.")
    stored_delivery: strawberry.Private[StoredDelivery]

    @strawberry.field(
        description="The transition that made the delivery; null for a member at the"
        " distribution's creation, for a test, and once the transition log no longer holds it."
    )
    async def transition(self, info: Info) -> SegmentTransition | None:
        transition_id = self.stored_delivery.transition_id
        if transition_id is None:
            return None
        transition = await info.context.loaders.transitions.load(transition_id)
        return SegmentTransition.from_domain(transition) if transition else None

    @strawberry.field(description="The customer; null once the customer has been deleted.")
    async def customer(self, info: Info) -> Customer | None:
        return await load_customer(info, self.stored_delivery.customer_id)

    @classmethod
    def from_domain(cls, stored_delivery: StoredDelivery) -> "Delivery":
        return cls(
            id=strawberry.ID(stored_delivery.id),
            status=stored_delivery.status,
            attempts=stored_delivery.attempts,
            code=stored_delivery.code,
            last_error=stored_delivery.last_error,
            next_attempt_at=stored_delivery.next_attempt_at,
            delivered_at=stored_delivery.delivered_at,
            created_at=stored_delivery.created_at,
            stored_delivery=stored_delivery,
        )


to_node.register(StoredDelivery, Delivery.from_domain)


@strawberry.type(description="A delivery of a page with its cursor.")
class DeliveryEdge(Edge[Delivery]):
    pass


@strawberry.type(description="A page of deliveries.")
class DeliveryConnection(CountedConnection[Delivery]):
    edges: Sequence[DeliveryEdge] = strawberry.field(
        description="The items of the page, each with its cursor."
    )


@strawberry.type(description="The result of sending a delivery.")
class DeliveryPayload:
    delivery: Delivery | None = strawberry.field(
        description="The delivery; null if there are errors."
    )
    user_errors: list[UserError] = strawberry.field(
        description="Why nothing was sent; empty on success."
    )
