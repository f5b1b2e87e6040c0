"""Converts the values of Voucherify filters, which are often text, to the types of this API.

A value that cannot be converted stays as it is. The parser of filters then reports what is wrong
with it.
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
    """The values of an operator as a list. Voucherify also accepts a single value."""
    return value if isinstance(value, list) else [value]


def to_type(value: Any, type_: AttributeType | None) -> Any:
    """The value, converted to the type. `type_` is None for a metadata key without a definition;
    the value then stays as it is."""
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
    """The value, with an integer converted to text: Voucherify may send a postal code as one."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def to_number(value: Any) -> Any:
    """The value, with the text of a number converted to an integer or a float."""
    match = _NUMBER_PATTERN.fullmatch(value) if _is_short(value, 70) else None
    if not match:
        return value
    return int(match[1]) if match[2] is None and match[3] is None else float(value)


def to_integer(value: Any) -> int:
    """The value as an integer. Raises InputError if it is not a whole number."""
    integer = to_number(value)
    if isinstance(integer, float) and integer.is_integer():
        return int(integer)
    if not isinstance(integer, int) or isinstance(integer, bool):
        raise input_error(UserErrorCode.INVALID_VALUE, "The value must be a whole number, like 30.")
    return integer


def to_days(value: Any) -> int:
    """The value as a number of days. Raises InputError if it is not a whole number from 0 up."""
    day_count = to_integer(value)
    if day_count < 0:
        message = (
            "The number of days must be 0 or more; days ago and days ahead have separate operators."
        )
        raise input_error(UserErrorCode.INVALID_VALUE, message)
    return day_count


def to_duration(value: Any) -> str:
    """The number of days as an ISO 8601 duration of 24 hours each.

    A duration cannot be zero, so 0 days become the shortest one, a millisecond. Raises InputError
    like `to_days`.
    """
    return f"P{day_count}D" if (day_count := to_days(value)) else "PT0.001S"


def is_date(value: Any) -> bool:
    """Whether the value is the text of a date without a time."""
    return _is_short(value, 10) and _DATE_PATTERN.fullmatch(value) is not None


def is_flag_set(value: Any) -> bool:
    """Whether the value is one that Voucherify gives to operators without a value."""
    return value is True or (_is_short(value, 4) and value.lower() in ("true", ""))


def _is_short(value: Any, max_length: int) -> bool:
    return isinstance(value, str) and len(value) <= max_length
