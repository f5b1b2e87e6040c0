"""Parsers of metadata values: JSON, or an already stored value, to the stored format of a type."""

from datetime import datetime
from typing import Any

import orjson

from app.filters.calendar import (
    Calendar,
    parse_date,
    parse_date_or_datetime,
    truncate_to_milliseconds,
    utc_midnight,
)
from app.filters.fields import AttributeType, is_geopoint, is_number

TEMPORAL_TYPES = (AttributeType.DATE, AttributeType.DATETIME)


def is_missing(stored: Any) -> bool:
    """Whether filters treat the stored value as missing."""
    return stored is None or stored == []


def equality_key(value: Any) -> Any:
    """Returns a hashable key that is the same for equal values of one type."""
    if isinstance(value, dict | list):
        return orjson.dumps(value, default=str, option=orjson.OPT_SORT_KEYS)
    return value


def _parse_string(value: Any, _: Calendar) -> str:
    if not isinstance(value, str):
        raise ValueError("must be a string")
    return value


def _parse_number(value: Any, _: Calendar) -> int | float:
    if not is_number(value):
        raise ValueError("must be a number")
    return value  # type: ignore[no-any-return]


def _parse_boolean(value: Any, _: Calendar) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


def _parse_date(value: Any, _: Calendar) -> datetime:
    if not isinstance(value, datetime):
        return utc_midnight(parse_date(_parse_string(value, _)))
    if value != utc_midnight(value.date()):
        raise ValueError("must be a date without a time")
    return value


def _parse_datetime(value: Any, calendar: Calendar) -> datetime:
    if isinstance(value, datetime):
        return truncate_to_milliseconds(value)
    return calendar.to_instant(parse_date_or_datetime(_parse_string(value, calendar)))


def _parse_geopoint(value: Any, _: Calendar) -> dict[str, float]:
    if not is_geopoint(value):
        raise ValueError('must be a location like {"lat": 52.2, "lon": 21.0}')
    return value  # type: ignore[no-any-return]


def _parse_object(value: Any, _: Calendar) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError("must be an object")
    return value


PARSERS = {
    AttributeType.STRING: _parse_string,
    AttributeType.NUMBER: _parse_number,
    AttributeType.BOOLEAN: _parse_boolean,
    AttributeType.DATE: _parse_date,
    AttributeType.DATETIME: _parse_datetime,
    AttributeType.GEOPOINT: _parse_geopoint,
    AttributeType.OBJECT: _parse_object,
}
"""By type, the function that returns a value as it is stored, or raises ValueError."""
