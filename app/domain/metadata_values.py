"""Parsers of metadata values: JSON, or an already stored value, to the stored format of a type.

A value that a client sends must have the type. A value that was stored before the key was defined
may also be converted to it.
"""

import math
import re
from collections.abc import Callable
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
from app.filters.values import MAX_INT64, MIN_INT64

TEMPORAL_TYPES = (AttributeType.DATE, AttributeType.DATETIME)

_BOOLEANS_BY_TEXT = {"true": True, "yes": True, "false": False, "no": False}
# A longer text is no 64-bit integer.
_MAX_INTEGER_TEXT_LENGTH = 20
_JSON_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")


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


def _convert_to_string(value: Any) -> Any:
    """The JSON text of a number or a boolean."""
    is_finite_number = is_number(value) and math.isfinite(value)
    return orjson.dumps(value).decode() if isinstance(value, bool) or is_finite_number else value


def _convert_to_number(value: Any) -> Any:
    """The number of a text that is a JSON number, if it fits into 64 bits."""
    match = _JSON_NUMBER.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return value
    is_integer = not any(match.groups())
    number = int(value) if is_integer and len(value) <= _MAX_INTEGER_TEXT_LENGTH else float(value)
    fits = MIN_INT64 <= number <= MAX_INT64 if is_integer else math.isfinite(number)
    return number if fits else value


def _convert_to_boolean(value: Any) -> Any:
    """The boolean of the text true, false, yes or no, in any case."""
    return _BOOLEANS_BY_TEXT.get(value.lower(), value) if isinstance(value, str) else value


_CONVERTERS: dict[AttributeType, Callable[[Any], Any]] = {
    AttributeType.STRING: _convert_to_string,
    AttributeType.NUMBER: _convert_to_number,
    AttributeType.BOOLEAN: _convert_to_boolean,
}

CONVERTED_BSON_TYPES: dict[AttributeType, tuple[str, ...]] = {
    AttributeType.STRING: ("number", "bool"),
    AttributeType.NUMBER: ("string",),
    AttributeType.BOOLEAN: ("string",),
    AttributeType.DATE: ("string",),
    AttributeType.DATETIME: ("string",),
}
"""By type, the BSON types of stored values that are converted to it."""


def convert_stored_value(stored: Any, type_: AttributeType) -> Any:
    """Returns a value that was stored before its key had the type, as a value of the type. A list
    is converted element by element. Returns any other value as it is."""
    if isinstance(stored, list):
        return [convert_stored_value(element, type_) for element in stored]
    converter = _CONVERTERS.get(type_)
    return stored if converter is None else converter(stored)
