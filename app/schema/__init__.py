"""The GraphQL schema: types and resolvers.

A resolver reads its arguments, calls one service, and returns domain objects as GraphQL types.
"""

from typing import Annotated, Any

import strawberry
from graphql import GraphQLInputObjectType, GraphQLObjectType, Undefined
from graphql.utilities.print_schema import print_schema_definition
from strawberry.schema.config import StrawberryConfig

from app.schema.activity import ActivityMutation, CustomEvent, Order
from app.schema.attributes import AttributeQuery
from app.schema.code_pools import CodePool, CodePoolMutation, CodePoolQuery
from app.schema.context import Context, Info
from app.schema.costs import FIELD_COSTS
from app.schema.customer_queries import CustomerQuery
from app.schema.customers import Customer, CustomerMutation
from app.schema.deliveries import Delivery
from app.schema.distributions import Distribution, DistributionMutation, DistributionQuery
from app.schema.engine import EngineQuery
from app.schema.exports import Export, ExportMutation, ExportQuery, ExportSubscription
from app.schema.filter_import import FilterImportQuery
from app.schema.http.input_limits import set_input_limits
from app.schema.http.operation_cost import set_costs
from app.schema.input_limits import INPUT_LIMITS
from app.schema.loyalty import (
    EarningRule,
    LedgerEntry,
    LoyaltyMutation,
    LoyaltyProgram,
    LoyaltyQuery,
)
from app.schema.memberships import MembershipQuery
from app.schema.metadata import MetadataMutation, MetadataQuery
from app.schema.node import Node, to_node
from app.schema.points import PointsMutation
from app.schema.previews import PreviewQuery
from app.schema.project import ProjectQuery
from app.schema.referrals import (
    ReferralMutation,
    ReferralProgram,
    ReferralQuery,
    ReferralTier,
)
from app.schema.roles import require_roles
from app.schema.scalars import SCALARS
from app.schema.segment_mutations import SegmentMutation
from app.schema.segment_queries import SegmentQuery
from app.schema.segments import Segment
from app.schema.transitions import SegmentTransition, TransitionQuery, TransitionSubscription
from app.schema.validation_rules import (
    ValidationRule,
    ValidationRuleMutation,
    ValidationRuleQuery,
)

__all__ = ["Context", "schema"]


@strawberry.type(description="Everything that can be read.")
class Query(
    CustomerQuery,
    SegmentQuery,
    MembershipQuery,
    PreviewQuery,
    AttributeQuery,
    MetadataQuery,
    FilterImportQuery,
    TransitionQuery,
    ExportQuery,
    LoyaltyQuery,
    ValidationRuleQuery,
    DistributionQuery,
    CodePoolQuery,
    ReferralQuery,
    EngineQuery,
    ProjectQuery,
):
    @strawberry.field(
        graphql_type=Node | None, description="The object with this id; null if there is none."
    )
    async def node(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The id of the object.")],
    ) -> object:
        found = await info.context.services.get_by_id(id)
        if found is None:
            return None
        _, entity = found
        return to_node(entity)


@strawberry.type(
    description="Everything that can be changed. `userErrors` lists what is wrong with the input."
)
class Mutation(
    CustomerMutation,
    ActivityMutation,
    SegmentMutation,
    MetadataMutation,
    ExportMutation,
    LoyaltyMutation,
    PointsMutation,
    ValidationRuleMutation,
    DistributionMutation,
    CodePoolMutation,
    ReferralMutation,
):
    pass


@strawberry.type(description="Everything that can be followed live.")
class Subscription(TransitionSubscription, ExportSubscription):
    pass


class Schema(strawberry.Schema):
    """Strawberry's schema, with a description, with fields that check the role of the caller, and
    with optional arguments that have no default.

    Strawberry would print `after: String = null`, which clients take for a default. It would also
    check @oneOf inputs by itself, with errors that do not name the path; here graphql-core does.
    """

    def __init__(self, *args: Any, description: str, **options: Any) -> None:
        super().__init__(*args, **options)
        self._schema.description = description
        require_roles(self._schema)
        set_costs(self._schema, FIELD_COSTS)
        set_input_limits(self._schema, INPUT_LIMITS)
        for type_ in self._schema.type_map.values():
            if isinstance(type_, GraphQLObjectType):
                for field in type_.fields.values():
                    for argument in field.args.values():
                        if argument.default_value is None:
                            argument.default_value = Undefined
            elif isinstance(type_, GraphQLInputObjectType):
                definition = type_.extensions["strawberry-definition"]
                if definition.is_one_of:
                    type_.is_one_of = True
                    del type_.out_type

    def as_str(self) -> str:
        """Returns the SDL, including the description of the schema, which Strawberry leaves out."""
        return f"{print_schema_definition(self._schema)}\n\n{super().as_str()}"


schema = Schema(
    Query,
    Mutation,
    Subscription,
    types=[
        *(Customer, Segment, CustomEvent, Order, SegmentTransition),
        *(LoyaltyProgram, EarningRule, LedgerEntry),
        *(ValidationRule, CodePool, Export, ReferralProgram, ReferralTier),
        *(Distribution, Delivery),
    ],
    config=StrawberryConfig(scalar_map=SCALARS),
    description="Customer segments: which customers of a shop match a filter, now and over time."
    "\n\nStore customers, events and orders; define segments with filters; follow the transitions"
    " of customers into and out of active segments.",
)
