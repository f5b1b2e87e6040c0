"""The API: GraphQL types and resolvers. Reads the request, asks one service, shapes the answer."""

import strawberry
from strawberry.schema.config import StrawberryConfig

from app.domain.ids import Kind, kind_of
from app.domain.inputs import CustomerRef
from app.schema.activity import ActivityMutation, CustomEvent, Order
from app.schema.context import Context, Info
from app.schema.customers import Customer, CustomerMutation, CustomerQuery
from app.schema.metadata import MetadataQuery
from app.schema.node import Node
from app.schema.scalars import SCALARS
from app.schema.segments import Segment, SegmentMutation, SegmentQuery

__all__ = ["Context", "schema"]


@strawberry.type
class Query(CustomerQuery, SegmentQuery, MetadataQuery):
    @strawberry.field(description="Whatever has this id; null for an unknown one.")
    async def node(self, info: Info, id: strawberry.ID) -> Node | None:
        services = info.context.services
        match kind_of(id):
            case Kind.CUSTOMER:
                customer = await services.customers.get(CustomerRef.by_id(id))
                return Customer.of(customer) if customer else None
            case Kind.SEGMENT:
                segment = await services.segments.get(id)
                return Segment.of(segment) if segment else None
            case Kind.EVENT:
                event = await services.events.get(id)
                return CustomEvent.of(event) if event else None
            case Kind.ORDER:
                order = await services.orders.get(id)
                return Order.of(order) if order else None
            case None:
                return None


@strawberry.type
class Mutation(CustomerMutation, ActivityMutation, SegmentMutation):
    pass


schema = strawberry.Schema(
    Query,
    Mutation,
    types=[Customer, Segment, CustomEvent, Order],
    config=StrawberryConfig(scalar_map=SCALARS),
)
