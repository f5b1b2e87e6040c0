"""The API: GraphQL types and resolvers. Reads the request, asks one service, shapes the answer."""

from typing import Any

import strawberry
from graphql import GraphQLObjectType, Undefined
from strawberry.schema.config import StrawberryConfig

from app.domain.ids import EntityKind, kind_of
from app.domain.inputs import CustomerRef
from app.schema.activity import ActivityMutation, CustomEvent, Order
from app.schema.attributes import AttributeQuery
from app.schema.context import Context, Info
from app.schema.customers import Customer, CustomerMutation, CustomerQuery
from app.schema.engine import EngineQuery
from app.schema.filter_import import FilterImportQuery
from app.schema.loyalty import (
    EarningRule,
    LedgerEntry,
    LoyaltyMutation,
    LoyaltyProgram,
    LoyaltyQuery,
)
from app.schema.metadata import MetadataMutation, MetadataQuery
from app.schema.node import Node
from app.schema.scalars import SCALARS
from app.schema.segments import Segment, SegmentMutation, SegmentQuery
from app.schema.transitions import SegmentTransition, TransitionQuery, TransitionSubscription

__all__ = ["Context", "schema"]


@strawberry.type
class Query(
    CustomerQuery,
    SegmentQuery,
    AttributeQuery,
    MetadataQuery,
    FilterImportQuery,
    TransitionQuery,
    LoyaltyQuery,
    EngineQuery,
):
    @strawberry.field(description="Whatever has this id; null for an unknown one.")
    async def node(self, info: Info, id: strawberry.ID) -> Node | None:
        services = info.context.services
        match kind_of(id):
            case EntityKind.CUSTOMER:
                customer = await services.customers.get(CustomerRef.by_id(id))
                return Customer.from_domain(customer) if customer else None
            case EntityKind.SEGMENT:
                segment = await services.segments.get(id)
                return Segment.from_domain(segment) if segment else None
            case EntityKind.EVENT:
                event = await services.events.get(id)
                return CustomEvent.from_domain(event) if event else None
            case EntityKind.ORDER:
                order = await services.orders.get(id)
                return Order.from_domain(order) if order else None
            case EntityKind.TRANSITION:
                transition = await services.transitions.get(id)
                return SegmentTransition.from_domain(transition) if transition else None
            case EntityKind.LOYALTY_PROGRAM:
                program = await services.loyalty.program(id)
                return LoyaltyProgram.from_domain(program) if program else None
            case EntityKind.EARNING_RULE:
                rule = await services.loyalty.rule(id)
                return EarningRule.from_domain(rule) if rule else None
            case EntityKind.LEDGER_ENTRY:
                entry = await services.loyalty.ledger_entry(id)
                return LedgerEntry.from_domain(entry) if entry else None
            case None:
                return None


@strawberry.type
class Mutation(
    CustomerMutation, ActivityMutation, SegmentMutation, MetadataMutation, LoyaltyMutation
):
    pass


@strawberry.type
class Subscription(TransitionSubscription):
    pass


class Schema(strawberry.Schema):
    """Where an argument may be left out it has no default: `after: String`, and not `= null`."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for type_ in self._schema.type_map.values():
            if isinstance(type_, GraphQLObjectType):
                for field in type_.fields.values():
                    for argument in field.args.values():
                        if argument.default_value is None:
                            argument.default_value = Undefined


schema = Schema(
    Query,
    Mutation,
    Subscription,
    types=[
        *(Customer, Segment, CustomEvent, Order, SegmentTransition),
        *(LoyaltyProgram, EarningRule, LedgerEntry),
    ],
    config=StrawberryConfig(scalar_map=SCALARS),
)
