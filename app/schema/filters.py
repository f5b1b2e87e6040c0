"""The input types of filters."""

import inspect
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Any

import strawberry
from strawberry import Maybe

from app.filters.aggregates import AGGREGATES
from app.filters.fields import AttributeType
from app.filters.operators import OPERATORS
from app.filters.values import OPERAND_KINDS
from app.schema.enums import register_enum
from app.schema.scalars import JSON, Duration

register_enum(
    AttributeType,
    "The type of a value.",
    {
        "STRING": "A text.",
        "NUMBER": "A number.",
        "BOOLEAN": "True or false.",
        "DATE": "A calendar day, as YYYY-MM-DD.",
        "DATETIME": "An instant, in RFC 3339.",
        "GEOPOINT": "A place: an object with `lat` and `lon` in degrees.",
        "OBJECT": "A JSON object.",
    },
)


def _make_enum(name: str, description: str, value_descriptions: Mapping[str, str | None]) -> Any:
    """Makes an enum of these names, each with its description."""
    values = {
        value_name: strawberry.enum_value(value_name, description=value_description)
        for value_name, value_description in value_descriptions.items()
    }
    return strawberry.enum(Enum(name, values), description=description)  # type: ignore[call-overload]


Operator = _make_enum(
    "Operator",
    "How a condition compares a value of the customer with its own value.",
    {operator.name: inspect.getdoc(operator) for operator in OPERATORS},
)
AggregateFunction = _make_enum(
    "AggregateFunction",
    "A function of the values that one property has in many events.",
    {aggregate.name: inspect.getdoc(aggregate) for aggregate in AGGREGATES},
)
OperandKind = _make_enum(
    "OperandKind",
    "What an operator takes, for a program.",
    {kind.name: f"{kind.description[0].upper()}{kind.description[1:]}." for kind in OPERAND_KINDS},
)


@strawberry.input(
    description="A condition on a value of the profile, the activity or the metadata."
)
class AttributeConditionInput:
    path: str = strawberry.field(
        description='The path of the value: "email", "address.city", "orders.totalCount",'
        ' "metadata.vip", ...'
    )
    operator: Operator = strawberry.field(description="How to compare the value.")  # type: ignore[valid-type]
    value: JSON | None = strawberry.field(
        default=strawberry.UNSET,
        description="What the operator takes; absent for HAS_VALUE and HAS_NO_VALUE.",
    )
    ignore_case: bool | None = strawberry.field(
        default=False, description="Whether to compare texts without regard to case."
    )


@strawberry.input(description="The time between two instants, both included.")
class DateTimeRangeInput:
    from_: datetime = strawberry.field(name="from", description="The first instant.")
    to: datetime = strawberry.field(description="The last instant.")


@strawberry.input(
    description="The time from one duration before now, not included, to another one, included."
)
class DurationRangeInput:
    from_: Duration = strawberry.field(
        name="from", description="How long ago the time starts; longer than `to`."
    )
    to: Duration = strawberry.field(description="How long ago the time ends.")


@strawberry.input(
    one_of=True,
    description="The time in which events count: the time until now, the time between two instants,"
    " both included, or a rolling window that ends before now.",
)
class TimeWindowInput:
    last: Maybe[Duration] = strawberry.field(description="The time from this long ago until now.")
    between: Maybe[DateTimeRangeInput] = strawberry.field(
        description="The time between two instants."
    )
    ago: Maybe[DurationRangeInput] = strawberry.field(
        description="A rolling window with an end: from 60 to 30 days ago is"
        " {from: P60D, to: P30D}."
    )


@strawberry.input(description="A function of the values that one property has in the events.")
class EventAggregateInput:
    function: AggregateFunction = strawberry.field(description="The function.")  # type: ignore[valid-type]
    property: str = strawberry.field(description="The property, as a path without a prefix.")


@strawberry.input(
    description="How often, how much, or with what a custom event (or an order: name"
    ' "order") happened.'
)
class EventConditionInput:
    name: str = strawberry.field(
        description='The name of the event; "order" for orders, "order.item" for their items.'
    )
    where: list[AttributeConditionInput] | None = strawberry.field(
        default=strawberry.UNSET,
        description="On the event's properties; path without a prefix; all must hold.",
    )
    within: TimeWindowInput | None = strawberry.field(
        default=strawberry.UNSET, description="The time in which events count. Default: all time."
    )
    aggregate: EventAggregateInput | None = strawberry.field(
        default=strawberry.UNSET,
        description="What to compute from the events. Default: the number of events.",
    )
    operator: Operator | None = strawberry.field(  # type: ignore[valid-type]
        default=Operator.GREATER_THAN_OR_EQUAL,
        description="How to compare the number of events or the aggregate with `value`.",
    )
    value: JSON | None = strawberry.field(default=JSON(1), description="What the operator takes.")


@strawberry.input(
    description="A condition on membership: whether the customer is a member of the segment at"
    " the instant of evaluation."
)
class SegmentConditionInput:
    id: strawberry.ID = strawberry.field(description="The id of the segment.")
    member: bool | None = strawberry.field(
        default=True,
        description="True if the customer must be a member, false if the customer must not be one.",
    )


@strawberry.input(one_of=True, description="A filter: a tree of conditions, or a single condition.")
class FilterInput:
    all: Maybe[list["FilterInput"]] = strawberry.field(description="Every branch holds.")
    any: Maybe[list["FilterInput"]] = strawberry.field(description="At least one branch holds.")
    none: Maybe[list["FilterInput"]] = strawberry.field(description="Not one branch holds.")
    attribute: Maybe[AttributeConditionInput] = strawberry.field(
        description="A condition on a value of the customer."
    )
    event: Maybe[EventConditionInput] = strawberry.field(
        description="A condition on the customer's events or orders."
    )
    segment: Maybe[SegmentConditionInput] = strawberry.field(
        description="A condition on membership of another segment."
    )
