"""JSON text of stored values. Every BSON type has a form: no stored value makes an export fail."""

from base64 import b64encode
from datetime import datetime
from math import isfinite
from typing import Any

import orjson

# A BSON type that prints like this is a Decimal128.
_NOT_FINITE_DECIMALS = frozenset(("NaN", "Infinity", "-Infinity"))
_JSON_TYPES = frozenset((str, int, bool, dict, list, datetime))


def dump_json(value: Any) -> bytes:
    """Returns the value as JSON.

    Instants are ISO 8601 in UTC with milliseconds. NaN and infinities are null. A BSON type without
    a JSON counterpart, which only another program can have written, is text: binary data in base64,
    anything else, like a Decimal128, as it prints.
    """
    return orjson.dumps(value, default=_to_json, option=orjson.OPT_PASSTHROUGH_DATETIME)


def is_null(value: Any) -> bool:
    """Whether JSON has the value as null: None, NaN or an infinity, also as a Decimal128."""
    class_ = value.__class__
    if value is None or class_ in _JSON_TYPES:
        return value is None
    if class_ is float:
        return not isfinite(value)
    return not isinstance(value, str | bytes) and str(value) in _NOT_FINITE_DECIMALS


def format_instant(instant: datetime) -> str:
    """Returns a stored instant in UTC, naive or aware, like 2026-11-28T09:30:00.000Z."""
    return f"{instant.isoformat(timespec='milliseconds')[:23]}Z"


def to_text(value: Any) -> str:
    """Returns a stored value of a type that JSON does not have."""
    if isinstance(value, datetime):
        return format_instant(value)
    return b64encode(value).decode() if isinstance(value, bytes) else str(value)


def _to_json(value: Any) -> str | None:
    return None if is_null(value) else to_text(value)
