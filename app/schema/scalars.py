"""The scalars of the API."""

from datetime import UTC, date, datetime
from typing import Any, NewType

import strawberry
from graphql import (
    EnumValueNode,
    GraphQLError,
    ListValueNode,
    ObjectValueNode,
    Undefined,
    ValueNode,
)
from graphql.utilities import value_from_ast_untyped
from strawberry.types.scalar import ScalarDefinition

from app.filters.calendar import cut, read_date, read_datetime, read_duration
from app.filters.values import LARGEST_LONG, SMALLEST_LONG

Long = NewType("Long", int)
Duration = NewType("Duration", str)
JSON = NewType("JSON", object)


def instant_text(instant: datetime) -> str:
    """RFC 3339 in UTC, with Z; milliseconds where there are any."""
    form = "milliseconds" if instant.microsecond else "seconds"
    return instant.astimezone(UTC).isoformat(timespec=form).replace("+00:00", "Z")


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise GraphQLError("must be a string")
    return value


def _instant(value: Any) -> datetime:
    try:
        read = read_datetime(_text(value))
    except ValueError as error:
        raise GraphQLError(f"A DateTime {error}.") from None
    if read.tzinfo is None:
        raise GraphQLError("A DateTime must have an offset, like Z.")
    return cut(read)


def _day(value: Any) -> date:
    try:
        return read_date(_text(value))
    except ValueError as error:
        raise GraphQLError(f"A Date {error}.") from None


def _duration(value: Any) -> str:
    try:
        read_duration(_text(value))
    except ValueError as error:
        raise GraphQLError(f"A Duration {error}.") from None
    return str(value)


def _long(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise GraphQLError("A Long must be an integer.")
    if not SMALLEST_LONG <= value <= LARGEST_LONG:
        raise GraphQLError("A Long must fit into 64 bits.")
    return value


def _literal(node: ValueNode, variables: dict[str, Any] | None = None) -> Any:
    # NaN, Infinity and other bare words are values of enums, and none of JSON's.
    if isinstance(node, EnumValueNode):
        raise GraphQLError(f"{node.value} is no JSON value; is it a string?", node)
    if isinstance(node, ListValueNode):
        return [_literal(element, variables) for element in node.values]
    if isinstance(node, ObjectValueNode):
        read = ((field.name.value, _literal(field.value, variables)) for field in node.fields)
        return {key: value for key, value in read if value is not Undefined}
    return value_from_ast_untyped(node, variables)


def _as_it_is(value: Any) -> Any:
    return value


SCALARS: dict[object, ScalarDefinition] = {
    datetime: strawberry.scalar(
        name="DateTime",
        description="RFC 3339; output always in UTC, with Z.",
        serialize=instant_text,
        parse_value=_instant,
    ),
    date: strawberry.scalar(
        name="Date",
        description="YYYY-MM-DD.",
        serialize=date.isoformat,
        parse_value=_day,
    ),
    Duration: strawberry.scalar(
        name="Duration",
        description="ISO 8601 duration of weeks, days, hours, minutes and seconds, like P30D"
        " or PT90M; no months or years.",
        serialize=str,
        parse_value=_duration,
    ),
    Long: strawberry.scalar(
        name="Long", description="A 64-bit integer.", serialize=int, parse_value=_long
    ),
    JSON: strawberry.scalar(
        name="JSON",
        description="Any JSON value.",
        serialize=_as_it_is,
        parse_value=_as_it_is,
        parse_literal=_literal,
    ),
}
