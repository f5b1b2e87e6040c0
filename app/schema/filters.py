"""Filters as the API takes them."""

import inspect
from datetime import datetime
from enum import Enum
from typing import Any

import strawberry
from strawberry import Maybe

from app.filters.aggregates import AGGREGATES
from app.filters.fields import AttributeType
from app.filters.operators import OPERATORS
from app.schema.scalars import JSON, Duration

strawberry.enum(AttributeType)


def _described_enum(name: str, members: Any) -> Any:
    values = {
        member.name: strawberry.enum_value(member.name, description=inspect.getdoc(member))
        for member in members
    }
    return strawberry.enum(Enum(name, values))  # type: ignore[call-overload]


Operator = _described_enum("Operator", OPERATORS)
AggregateFunction = _described_enum("AggregateFunction", AGGREGATES)


@strawberry.input(description="What a value of the profile, the activity or the metadata is.")
class AttributeConditionInput:
    path: str = strawberry.field(
        description='"email", "address.city", "orders.totalCount", "metadata.vip", ...'
    )
    operator: Operator  # type: ignore[valid-type]
    value: JSON | None = strawberry.field(
        default=strawberry.UNSET,
        description="What the operator takes; absent for HAS_VALUE and HAS_NO_VALUE.",
    )
    ignore_case: bool | None = False


@strawberry.input
class DateTimeRangeInput:
    from_: datetime = strawberry.field(name="from")
    to: datetime


@strawberry.input(
    one_of=True, description="The time until now, or that between two moments, both included."
)
class TimeWindowInput:
    last: Maybe[Duration]
    between: Maybe[DateTimeRangeInput]


@strawberry.input
class EventAggregateInput:
    function: AggregateFunction  # type: ignore[valid-type]
    property: str


@strawberry.input(
    description="How often, how much, or with what a custom event (or an order: name"
    ' "order") happened.'
)
class EventConditionInput:
    name: str
    where: list[AttributeConditionInput] | None = strawberry.field(
        default=strawberry.UNSET,
        description="On the event's properties; path without a prefix; all must hold.",
    )
    within: TimeWindowInput | None = strawberry.field(
        default=strawberry.UNSET, description="Default: all time."
    )
    aggregate: EventAggregateInput | None = strawberry.field(
        default=strawberry.UNSET, description="Default: the number of events."
    )
    operator: Operator | None = Operator.GREATER_THAN_OR_EQUAL  # type: ignore[valid-type]
    value: JSON | None = JSON(1)


@strawberry.input(description="Whether the customer is a member of the segment at that moment.")
class SegmentConditionInput:
    id: strawberry.ID
    member: bool | None = True


@strawberry.input(one_of=True, description="A tree of conditions, or a single one.")
class FilterInput:
    all: Maybe[list["FilterInput"]] = strawberry.field(description="Every branch holds.")
    any: Maybe[list["FilterInput"]] = strawberry.field(description="At least one branch holds.")
    none: Maybe[list["FilterInput"]] = strawberry.field(description="Not one branch holds.")
    attribute: Maybe[AttributeConditionInput]
    event: Maybe[EventConditionInput]
    segment: Maybe[SegmentConditionInput]
