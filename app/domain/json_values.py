"""JSON values that clients send: metadata, and properties of events. Their limits and sizes."""

import math
from collections.abc import Mapping
from typing import Any

import orjson

from app.filters.fields import is_number, is_property_key, is_storable
from app.filters.values import MAX_INT64, MIN_INT64

MAX_JSON_DEPTH = 20
MAX_KEY_LENGTH = 255
MAX_JSON_BYTES = 1024 * 1024
# BSON takes at most six times the bytes of the JSON text. A list of one-digit numbers is the worst.
_MAX_BSON_GROWTH_FACTOR = 6


def require_storable(text: str) -> str:
    """Returns the text. Raises ValueError if MongoDB can't store it."""
    if not is_storable(text):
        raise ValueError("must not contain NUL or half a surrogate pair")
    return text


def require_json_value(value: Any) -> Any:
    """Returns the value. Raises ValueError if it is not JSON that can be stored and filtered."""
    _require_json(value, (), 0)
    return value


def require_json_object(value: Any) -> dict[str, Any]:
    """Returns the object. Raises ValueError if it is not a JSON object, or if a key of it can't be
    part of a path."""
    if not isinstance(value, dict):
        raise ValueError("must be a JSON object")
    _require_json(value, (), 0)
    return value


def _require_json(value: Any, path: tuple[str, ...], depth: int) -> None:
    location = f" at {'.'.join(path)[:200]}" if path else ""
    if depth > MAX_JSON_DEPTH:
        raise ValueError(f"must not be nested deeper than {MAX_JSON_DEPTH} levels")
    if isinstance(value, dict):
        for key, inner in value.items():
            if not isinstance(key, str) or not is_property_key(key):
                raise ValueError(
                    f"has a key{location} that can't be used: a key has 1 to 100 characters,"
                    " no dot, no NUL, and no $ at its start"
                )
            _require_json(inner, (*path, key), depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _require_json(inner, path, depth + 1)
    elif isinstance(value, str):
        # The limit of size refuses a longer text: to search 16 MB would stop all threads.
        if len(value) <= MAX_JSON_BYTES and not is_storable(value):
            raise ValueError(f"has a text{location} with NUL or half a surrogate pair")
    elif is_number(value):
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"has a number{location} that is not finite")
        if isinstance(value, int) and not MIN_INT64 <= value <= MAX_INT64:
            raise ValueError(f"has a number{location} that does not fit into 64 bits")
    elif value is not None and not isinstance(value, bool):
        raise ValueError(f"has a value{location} that is not JSON")


def is_within_size_limit(value: Any) -> bool:
    """Whether the value takes at most 1 MiB both as JSON text and as BSON."""
    text_bytes = len(orjson.dumps(value, default=str))
    return text_bytes <= MAX_JSON_BYTES and (
        text_bytes * _MAX_BSON_GROWTH_FACTOR <= MAX_JSON_BYTES
        or bson_size_bytes(value) <= MAX_JSON_BYTES
    )


def bson_size_bytes(value: Any) -> int:
    """Returns the size of the value in BSON. An array stores each index as text."""
    if isinstance(value, str):
        return 5 + len(value.encode())
    if isinstance(value, Mapping):
        return 5 + sum(2 + len(key.encode()) + bson_size_bytes(value[key]) for key in value)
    if isinstance(value, list):
        return 5 + sum(
            2 + len(str(index)) + bson_size_bytes(element) for index, element in enumerate(value)
        )
    if value is None or isinstance(value, bool):
        return int(value is not None)
    return 4 if isinstance(value, int) and -(2**31) <= value < 2**31 else 8


def require_within_size_limit(value: Any) -> Any:
    """Returns the value. Raises ValueError if it takes more than 1 MiB."""
    if not is_within_size_limit(value):
        raise ValueError("would take more than 1 MiB; send less")
    return value


def is_same_value(left: Any, right: Any) -> bool:
    """Whether two values are stored as the same BSON. Unlike `==`, it tells True, 1 and 1.0
    apart."""
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(
            is_same_value(left[key], right[key]) for key in left
        )
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(is_same_value, left, right))
    for kind in (bool, float):
        if isinstance(left, kind) is not isinstance(right, kind):
            return False
    return bool(left == right)
