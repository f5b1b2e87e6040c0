"""JSON text of stored values. Every BSON type has a form: no stored value makes an export fail."""

from base64 import b64encode
from datetime import datetime
from typing import Any

import orjson


def dump_json(value: Any) -> bytes:
    """Returns the value as JSON.

    Instants are ISO 8601 in UTC with milliseconds. NaN and infinities are null. A BSON type without
    a JSON counterpart, which only another program can have written, is text: binary data in base64,
    anything else, like a Decimal128, as it prints.
    """
    return orjson.dumps(value, default=to_text, option=orjson.OPT_PASSTHROUGH_DATETIME)


def format_instant(instant: datetime) -> str:
    """Returns a stored instant in UTC, naive or aware, like 2026-11-28T09:30:00.000Z."""
    return f"{instant.isoformat(timespec='milliseconds')[:23]}Z"


def to_text(value: Any) -> str:
    """Returns a stored value of a type that JSON does not have."""
    if isinstance(value, datetime):
        return format_instant(value)
    return b64encode(value).decode() if isinstance(value, bytes) else str(value)
