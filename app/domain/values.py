"""The values that a type of metadata takes, and how they are stored."""

from datetime import datetime
from typing import Any

import orjson

from app.filters.calendar import Calendar, cut, nominal, read_date, read_moment
from app.filters.fields import AttributeType, is_number, is_point

MOMENTS = (AttributeType.DATE, AttributeType.DATETIME)


def is_missing(stored: Any) -> bool:
    """Whether filters take it for no value at all."""
    return stored is None or stored == []


def identity(value: Any) -> Any:
    """What equal values of one type have in common, to be looked up by."""
    if isinstance(value, dict | list):
        return orjson.dumps(value, default=str, option=orjson.OPT_SORT_KEYS)
    return value


def _text(value: Any, _: Calendar) -> str:
    if not isinstance(value, str):
        raise ValueError("must be a string")
    return value


def _number(value: Any, _: Calendar) -> int | float:
    if not is_number(value):
        raise ValueError("must be a number")
    return value  # type: ignore[no-any-return]


def _boolean(value: Any, _: Calendar) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


def _day(value: Any, _: Calendar) -> datetime:
    if not isinstance(value, datetime):
        return nominal(read_date(_text(value, _)))
    if value != nominal(value.date()):
        raise ValueError("must be a date without a time")
    return value


def _instant(value: Any, calendar: Calendar) -> datetime:
    if isinstance(value, datetime):
        return cut(value)
    return calendar.instant(read_moment(_text(value, calendar)))


def _point(value: Any, _: Calendar) -> dict[str, float]:
    if not is_point(value):
        raise ValueError('must be a place like {"lat": 52.2, "lon": 21.0}')
    return value  # type: ignore[no-any-return]


def _object(value: Any, _: Calendar) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError("must be an object")
    return value


READERS = {
    AttributeType.STRING: _text,
    AttributeType.NUMBER: _number,
    AttributeType.BOOLEAN: _boolean,
    AttributeType.DATE: _day,
    AttributeType.DATETIME: _instant,
    AttributeType.GEOPOINT: _point,
    AttributeType.OBJECT: _object,
}
"""How a value of the type is stored; ValueError says why one is none."""
