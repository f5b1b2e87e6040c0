"""Queries for filter editors: the paths, operators and values that a filter may use."""

from datetime import datetime
from typing import Annotated

import strawberry

from app.domain.events import MAX_EVENT_NAMES
from app.filters.fields import AttributeType, FieldGroup
from app.filters.operators import OPERATORS
from app.filters.operators import Operator as FilterOperator
from app.filters.parse import MEASURE_OPERATORS
from app.filters.sources import RESERVED_EVENT_NAMES
from app.schema.context import Info
from app.schema.enums import register_enum
from app.schema.filters import OperandKind, Operator
from app.schema.paging import validate_page_size
from app.schema.scalars import JSON
from app.services.attributes import Attribute
from app.unicode_text import to_nfc

register_enum(
    FieldGroup,
    "The group in which a filter editor lists a path.",
    {
        "PROFILE": "The fields of the profile.",
        "ACTIVITY": "Totals of orders, events and loyalty points.",
        "METADATA": "The caller's own fields.",
    },
    name="FilterAttributeGroup",
)


@strawberry.type(description="An operator, as a filter editor shows it.")
class OperatorInfo:
    operator: Operator = strawberry.field(description="The operator.")
    label: str = strawberry.field(description="The operator in words.")
    takes: str = strawberry.field(description="What `value` must be for this operator, in words.")
    operand: OperandKind = strawberry.field(description="What `value` must be, for a program.")
    takes_ignore_case: bool = strawberry.field(description="Whether ignoreCase may be given.")
    negates: Operator | None = strawberry.field(
        description="The operator that this one negates. Null for most operators."
    )

    @classmethod
    def from_domain(cls, operator: FilterOperator) -> "OperatorInfo":
        return cls(
            operator=Operator[operator.name],
            label=operator.label,
            takes=operator.operand_kind.description,
            operand=OperandKind[operator.operand_kind.name],
            takes_ignore_case=operator.takes_ignore_case,
            negates=Operator[operator.negates.name] if operator.negates else None,
        )


# An editor's catalog names each of them many times.
_OPERATOR_INFOS = {operator.name: OperatorInfo.from_domain(operator) for operator in OPERATORS}


@strawberry.type(
    description="A path that a filter may use, with what is known about it: for building a filter"
    " editor."
)
class FilterAttribute:
    path: str = strawberry.field(
        description="The path, as `AttributeConditionInput.path` takes it."
    )
    label: str = strawberry.field(description="The path in words.")
    group: FieldGroup = strawberry.field(
        description="The group in which a filter editor lists the path."
    )
    type: AttributeType = strawberry.field(description="The type of the values at the path.")
    is_array: bool = strawberry.field(description="Whether the values are arrays of this type.")
    operators: list[OperatorInfo] = strawberry.field(
        description="The operators that apply to the path."
    )
    operator_names: list[Operator] = strawberry.field(
        description="The names of these operators. `filterOperators` has the rest of each, once"
        " for all paths."
    )
    allowed_values: list[JSON] | None = strawberry.field(
        description="The values that its definition allows. Null if all values of the type are"
        " allowed, or if there is no definition that is READY."
    )

    @classmethod
    def from_domain(cls, attribute: Attribute) -> "FilterAttribute":
        field, allowed_values = attribute.field, attribute.allowed_values
        return cls(
            path=field.path,
            label=field.label,
            group=field.group,
            type=attribute.type,
            is_array=field.is_array,
            operators=[_OPERATOR_INFOS[operator.name] for operator in attribute.operators],
            operator_names=[Operator[operator.name] for operator in attribute.operators],
            allowed_values=None
            if allowed_values is None
            else [JSON(value) for value in allowed_values],
        )


@strawberry.type(
    description="An event name that was seen, `order` and `order.item`: its properties, and the"
    " comparisons that it takes."
)
class FilterEvent:
    name: str = strawberry.field(description="The name, as `EventConditionInput.name` takes it.")

    @strawberry.field(description="The time of the last event of this name; null without one.")
    async def last_at(self, info: Info) -> datetime | None:
        event = await info.context.loaders.known_events.load(self.name)
        return event.last_at if event else None

    @strawberry.field(
        description="The properties that a condition in `where` or an aggregate may name. Those of"
        " the caller's own come from a sample of the latest events."
    )
    async def properties(self, info: Info) -> list[FilterAttribute]:
        event = await info.context.loaders.known_events.load(self.name)
        return (
            [FilterAttribute.from_domain(attribute) for attribute in event.properties]
            if event
            else []
        )

    @strawberry.field(
        description="The operators that compare the number of events, or the aggregate, with"
        " `value`."
    )
    def comparisons(self) -> list[OperatorInfo]:
        return [_OPERATOR_INFOS[operator.name] for operator in MEASURE_OPERATORS]


@strawberry.type
class AttributeQuery:
    @strawberry.field(
        description="The paths that a filter may use, including metadata keys found in stored"
        " customers."
    )
    async def filter_attributes(self, info: Info) -> list[FilterAttribute]:
        return [
            FilterAttribute.from_domain(attribute)
            for attribute in await info.context.services.attributes.list_all()
        ]

    @strawberry.field(metadata={"max_items": len(OPERATORS)}, description="Every operator once.")
    def filter_operators(self) -> list[OperatorInfo]:
        return list(_OPERATOR_INFOS.values())

    @strawberry.field(
        metadata={"max_items": MAX_EVENT_NAMES + len(RESERVED_EVENT_NAMES)},
        description="The events that a filter may use: orders, their items, and each custom event"
        " by its name.",
    )
    async def filter_events(self, info: Info) -> list[FilterEvent]:
        names = await info.context.services.attributes.event_names()
        return [FilterEvent(name=name) for name in names]

    @strawberry.field(
        description="Values seen for a path, the most frequent first: for an editor's completion."
        " With `event`, the path is a property of that event."
    )
    async def filter_value_suggestions(
        self,
        info: Info,
        path: Annotated[str, strawberry.argument(description="The path whose values to suggest.")],
        event: Annotated[
            str | None,
            strawberry.argument(description="The name of the event that has the property."),
        ] = strawberry.UNSET,
        prefix: Annotated[
            str | None, strawberry.argument(description="Only values that begin with this text.")
        ] = strawberry.UNSET,
        first: Annotated[
            int | None,
            strawberry.argument(description="The maximum number of values, from 1 to 100."),
        ] = 20,
    ) -> list[JSON]:
        max_values = validate_page_size(first, default_size=20)
        service = info.context.services.attributes
        values = await service.suggest_values(
            to_nfc(path),
            to_nfc(event) if event else None,
            to_nfc(prefix) if prefix else None,
            max_values,
        )
        return [JSON(value) for value in values]
