"""Their values as ours: what they write as text is read as the type that is asked for.

What can't be read is left as it is: the filter's own rules then say what is wrong with it.
"""

import re
from typing import Any

from app.errors import Code, refuse
from app.filters.fields import AttributeType

MOMENTS = (AttributeType.DATE, AttributeType.DATETIME)

_NUMBER = re.compile(r"([+-]?[0-9]+)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MIDNIGHT = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})T00:00(:00(\.0+)?)?(Z|\+00:00)")
_FLAGS = {"true": True, "false": False}


def listed(value: Any) -> list[Any]:
    """The values of an operator, which may stand alone."""
    return value if isinstance(value, list) else [value]


def of_type(value: Any, type_: AttributeType | None) -> Any:
    """The value as one of the type; as it is where a key of metadata has no definition."""
    match type_:
        case AttributeType.STRING:
            return text(value)
        case AttributeType.NUMBER:
            return number(value)
        case AttributeType.BOOLEAN:
            return _FLAGS.get(value.lower(), value) if _is_short(value, 5) else value
        case AttributeType.DATE:
            midnight = _MIDNIGHT.fullmatch(value) if _is_short(value, 40) else None
            return midnight[1] if midnight else value
        case _:
            return value


def text(value: Any) -> Any:
    """A postal code, say, may come as an integer."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def number(value: Any) -> Any:
    found = _NUMBER.fullmatch(value) if _is_short(value, 70) else None
    if not found:
        return value
    return int(found[1]) if found[2] is None and found[3] is None else float(value)


def whole(value: Any) -> int:
    """An integer. Refused where it is none."""
    read = number(value)
    if isinstance(read, float) and read.is_integer():
        return int(read)
    if not isinstance(read, int) or isinstance(read, bool):
        raise refuse(Code.INVALID_VALUE, "The value must be a whole number, like 30.")
    return read


def days(value: Any) -> int:
    read = whole(value)
    if read < 0:
        message = "Days are counted from 0 up; days ago and days ahead have operators each."
        raise refuse(Code.INVALID_VALUE, message)
    return read


def duration(value: Any) -> str:
    """So many times 24 hours; the shortest duration that there is stands for 0 days."""
    return f"P{read}D" if (read := days(value)) else "PT0.001S"


def is_day(value: Any) -> bool:
    """Whether it is a date without a time."""
    return _is_short(value, 10) and _DAY.fullmatch(value) is not None


def is_set(value: Any) -> bool:
    """Whether it is what operators without a value are given."""
    return value is True or (_is_short(value, 4) and value.lower() in ("true", ""))


def _is_short(value: Any, most: int) -> bool:
    return isinstance(value, str) and len(value) <= most
