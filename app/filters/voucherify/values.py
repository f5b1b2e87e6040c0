"""Their values as ours: what they write as text is read as the type that is asked for.

What can't be read is left as it is: the filter's own rules then say what is wrong with it.
"""

import re
from typing import Any

from app.errors import UserErrorCode, input_error
from app.filters.fields import AttributeType

_NUMBER_PATTERN = re.compile(r"([+-]?[0-9]+)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_DATE_PATTERN = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MIDNIGHT_PATTERN = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})T00:00(:00(\.0+)?)?(Z|\+00:00)")
_BOOLEANS = {"true": True, "false": False}


def to_list(value: Any) -> list[Any]:
    """The values of an operator, which may stand alone."""
    return value if isinstance(value, list) else [value]


def to_type(value: Any, type_: AttributeType | None) -> Any:
    """The value as one of the type; as it is where a key of metadata has no definition."""
    match type_:
        case AttributeType.STRING:
            return to_text(value)
        case AttributeType.NUMBER:
            return to_number(value)
        case AttributeType.BOOLEAN:
            return _BOOLEANS.get(value.lower(), value) if _is_short(value, 5) else value
        case AttributeType.DATE:
            midnight = _MIDNIGHT_PATTERN.fullmatch(value) if _is_short(value, 40) else None
            return midnight[1] if midnight else value
        case _:
            return value


def to_text(value: Any) -> Any:
    """A postal code, say, may come as an integer."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def to_number(value: Any) -> Any:
    match = _NUMBER_PATTERN.fullmatch(value) if _is_short(value, 70) else None
    if not match:
        return value
    return int(match[1]) if match[2] is None and match[3] is None else float(value)


def to_integer(value: Any) -> int:
    """An integer. Refused where it is none."""
    integer = to_number(value)
    if isinstance(integer, float) and integer.is_integer():
        return int(integer)
    if not isinstance(integer, int) or isinstance(integer, bool):
        raise input_error(UserErrorCode.INVALID_VALUE, "The value must be a whole number, like 30.")
    return integer


def to_days(value: Any) -> int:
    day_count = to_integer(value)
    if day_count < 0:
        message = "Days are counted from 0 up; days ago and days ahead have operators each."
        raise input_error(UserErrorCode.INVALID_VALUE, message)
    return day_count


def to_duration(value: Any) -> str:
    """So many times 24 hours; the shortest duration that there is stands for 0 days."""
    return f"P{day_count}D" if (day_count := to_days(value)) else "PT0.001S"


def is_date(value: Any) -> bool:
    """Whether it is a date without a time."""
    return _is_short(value, 10) and _DATE_PATTERN.fullmatch(value) is not None


def is_flag_set(value: Any) -> bool:
    """Whether it is what operators without a value are given."""
    return value is True or (_is_short(value, 4) and value.lower() in ("true", ""))


def _is_short(value: Any, max_length: int) -> bool:
    return isinstance(value, str) and len(value) <= max_length
