"""The custom scalars of the API: DateTime, Date, Duration, Long and JSON."""

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

from app.filters.calendar import (
    parse_date,
    parse_datetime,
    parse_duration,
    truncate_to_milliseconds,
)
from app.filters.values import MAX_INT64, MIN_INT64

Long = NewType("Long", int)
Duration = NewType("Duration", str)
JSON = NewType("JSON", object)

_SECONDS_LENGTH = len("2026-03-29T12:00:00")
_MILLISECONDS_LENGTH = len("2026-03-29T12:00:00.000")


def format_instant(instant: datetime) -> str:
    """Formats an instant in RFC 3339, in UTC, with milliseconds if there are any."""
    text = instant.astimezone(UTC).isoformat()
    return f"{text[:_MILLISECONDS_LENGTH] if instant.microsecond else text[:_SECONDS_LENGTH]}Z"


def _require_string(value: Any) -> str:
    if not isinstance(value, str):
        raise GraphQLError("must be a string")
    return value


def _parse_datetime(value: Any) -> datetime:
    try:
        instant = parse_datetime(_require_string(value))
    except ValueError as error:
        raise GraphQLError(f"A DateTime {error}.") from None
    if instant.tzinfo is None:
        raise GraphQLError("A DateTime must have an offset, like Z.")
    return truncate_to_milliseconds(instant)


def _parse_date(value: Any) -> date:
    try:
        return parse_date(_require_string(value))
    except ValueError as error:
        raise GraphQLError(f"A Date {error}.") from None


def _parse_duration(value: Any) -> str:
    try:
        parse_duration(_require_string(value))
    except ValueError as error:
        raise GraphQLError(f"A Duration {error}.") from None
    return str(value)


def _parse_long(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise GraphQLError("A Long must be an integer.")
    if not MIN_INT64 <= value <= MAX_INT64:
        raise GraphQLError("A Long must fit into 64 bits.")
    return value


def _parse_json_literal(node: ValueNode, variables: dict[str, Any] | None = None) -> Any:
    # GraphQL parses NaN, Infinity and other bare words as enum values. JSON has none.
    if isinstance(node, EnumValueNode):
        raise GraphQLError(f"{node.value} is not a JSON value; write a string in quotes.", node)
    if isinstance(node, ListValueNode):
        return [_parse_json_literal(element, variables) for element in node.values]
    if isinstance(node, ObjectValueNode):
        items = (
            (field.name.value, _parse_json_literal(field.value, variables)) for field in node.fields
        )
        return {key: value for key, value in items if value is not Undefined}
    return value_from_ast_untyped(node, variables)


def _identity(value: Any) -> Any:
    return value


SCALARS: dict[object, ScalarDefinition] = {
    datetime: strawberry.scalar(
        name="DateTime",
        description="An instant in RFC 3339; output always in UTC, with Z.",
        serialize=format_instant,
        parse_value=_parse_datetime,
    ),
    date: strawberry.scalar(
        name="Date",
        description="A calendar day as YYYY-MM-DD.",
        serialize=date.isoformat,
        parse_value=_parse_date,
    ),
    Duration: strawberry.scalar(
        name="Duration",
        description="An ISO 8601 duration of weeks, days, hours, minutes and seconds, like P30D"
        " or PT90M; no months or years.",
        serialize=str,
        parse_value=_parse_duration,
    ),
    Long: strawberry.scalar(
        name="Long", description="A 64-bit integer.", serialize=int, parse_value=_parse_long
    ),
    JSON: strawberry.scalar(
        name="JSON",
        description="Any JSON value.",
        serialize=_identity,
        parse_value=_identity,
        parse_literal=_parse_json_literal,
    ),
}
