"""Types of input fields: each parses and validates one value that a client sends."""

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from app.domain.json_values import (
    MAX_KEY_LENGTH,
    require_json_object,
    require_storable,
    require_within_size_limit,
)
from app.domain.orders import ORDER_STATUSES
from app.domain.segments import MAX_NAME_LENGTH
from app.filters.calendar import parse_date, parse_datetime, truncate_to_milliseconds
from app.filters.sources import ORDER_ITEM_EVENT_NAME, RESERVED_EVENT_NAMES
from app.filters.values import MAX_INT64, MIN_INT64
from app.unicode_text import is_visible

# GraphQL's Int has 32 bits.
MIN_INT32 = -(2**31)
MAX_INT32 = 2**31 - 1


def _parse_date(value: object) -> object:
    return parse_date(value) if isinstance(value, str) else value


def _parse_instant(value: object) -> object:
    instant = parse_datetime(value) if isinstance(value, str) else value
    if isinstance(instant, datetime):
        if instant.tzinfo is None:
            raise ValueError("must have an offset, like Z")
        return truncate_to_milliseconds(instant)
    return instant


def _require_order_status(value: object) -> object:
    if isinstance(value, str) and value not in ORDER_STATUSES:
        raise ValueError(f"must be one of {', '.join(ORDER_STATUSES)}")
    return value


def _require_not_null(value: object) -> object:
    if value is None:
        raise ValueError("can't be null; leave it out to keep the stored value")
    return value


def _require_visible(text: str) -> str:
    if not is_visible(text):
        raise ValueError("must have a visible character")
    return text


def _require_not_reserved(name: str) -> str:
    if name in RESERVED_EVENT_NAMES:
        raise ValueError("is reserved for orders; send them with ordersUpsert")
    return name


def _require_path_name(name: str) -> str:
    if name == ORDER_ITEM_EVENT_NAME:
        raise ValueError("has no count and no instants; it can't be overridden")
    return name


Day = Annotated[date, BeforeValidator(_parse_date)]
Instant = Annotated[datetime, BeforeValidator(_parse_instant)]
JsonObject = Annotated[dict[str, Any], BeforeValidator(require_json_object)]
Properties = Annotated[JsonObject, AfterValidator(require_within_size_limit)]
EventName = Annotated[
    str, StringConstraints(min_length=1, max_length=100), AfterValidator(require_storable)
]
Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_NAME_LENGTH),
    AfterValidator(require_storable),
    AfterValidator(_require_visible),
]
RequiredName = Annotated[Name | None, BeforeValidator(_require_not_null)]
"""None stands for a field that is left out; null can't be sent."""
RequiredFilter = Annotated[dict[str, Any] | None, BeforeValidator(_require_not_null)]
"""None stands for a field that is left out; null can't be sent."""
PositiveInt = Annotated[int, Field(ge=1)]
FiniteFloat = Annotated[float, Field(allow_inf_nan=False)]
Long = Annotated[int, Field(ge=MIN_INT64, le=MAX_INT64)]
Quantity = Annotated[int, Field(ge=MIN_INT32, le=MAX_INT32)]
OverriddenEventName = Annotated[EventName, AfterValidator(_require_path_name)]
"""The name of an event that has attribute paths."""
CustomEventName = Annotated[EventName, AfterValidator(_require_not_reserved)]
OrderStatus = Annotated[
    str | None, BeforeValidator(_require_not_null), AfterValidator(_require_order_status)
]
"""None stands for a field that is left out; null can't be sent."""
OrderAmount = Annotated[Long | None, BeforeValidator(_require_not_null)]
"""An amount in minor units. None stands for a field that is left out; null can't be sent."""
Text = Annotated[str, StringConstraints(max_length=1_000), AfterValidator(require_storable)]
"""A text of a profile. A filter's value has the same maximum length."""
Reason = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=1_000),
    AfterValidator(require_storable),
]
LongText = Annotated[str, StringConstraints(max_length=10_000), AfterValidator(require_storable)]
Key = Annotated[
    str,
    StringConstraints(min_length=1, max_length=MAX_KEY_LENGTH),
    AfterValidator(require_storable),
]
"""A client's own key for an entity or a request."""
SourceId = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_KEY_LENGTH),
    AfterValidator(require_storable),
]
"""A client's own key of a customer or an order, without blanks around it."""
