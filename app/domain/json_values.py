"""What callers may put into metadata and into the properties of events."""

import math
from collections.abc import Mapping
from typing import Annotated, Any

import orjson
from pydantic import AfterValidator, StringConstraints

from app.filters.fields import is_number, is_property_key, is_storable
from app.filters.values import MAX_INT64, MIN_INT64

MAX_JSON_DEPTH = 20
MAX_KEY_LENGTH = 255
MAX_JSON_BYTES = 1024 * 1024
# A stored number of one digit takes six times its text; nothing takes more.
_MAX_BSON_GROWTH_FACTOR = 6


def require_storable(text: str) -> str:
    """The text, if it can be stored."""
    if not is_storable(text):
        raise ValueError("must not contain NUL or half a surrogate pair")
    return text


def require_json_value(value: Any) -> Any:
    """JSON that can be stored and asked about; ValueError says what can't, and where."""
    _require_json(value, (), 0)
    return value


def require_json_object(value: Any) -> dict[str, Any]:
    """A JSON object, each of whose keys may be part of a path."""
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
        if not is_storable(value):
            raise ValueError(f"has a text{location} with NUL or half a surrogate pair")
    elif is_number(value):
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"has a number{location} that is not finite")
        if isinstance(value, int) and not MIN_INT64 <= value <= MAX_INT64:
            raise ValueError(f"has a number{location} that does not fit into 64 bits")
    elif value is not None and not isinstance(value, bool):
        raise ValueError(f"has a value{location} that is no JSON")


def is_within_size_limit(value: Any) -> bool:
    """Whether it takes at most 1 MiB, as text and where it is stored."""
    text_bytes = len(orjson.dumps(value, default=str))
    return (
        text_bytes * _MAX_BSON_GROWTH_FACTOR <= MAX_JSON_BYTES
        or max(text_bytes, bson_size_bytes(value)) <= MAX_JSON_BYTES
    )


def bson_size_bytes(value: Any) -> int:
    """How many bytes the value takes in BSON, where an array spells out each index."""
    if isinstance(value, str):
        return 5 + len(value.encode())
    if isinstance(value, Mapping):
        return 5 + sum(2 + len(key.encode()) + bson_size_bytes(value[key]) for key in value)
    if isinstance(value, list):
        return 5 + sum(
            2 + len(str(i)) + bson_size_bytes(element) for i, element in enumerate(value)
        )
    if value is None or isinstance(value, bool):
        return int(value is not None)
    return 4 if isinstance(value, int) and -(2**31) <= value < 2**31 else 8


def require_within_size_limit(value: Any) -> Any:
    """The value, if it is small enough to be stored beside others."""
    if not is_within_size_limit(value):
        raise ValueError("would take more than 1 MiB; send less")
    return value


def is_same_value(left: Any, right: Any) -> bool:
    """Whether two values are stored alike: Python takes true for 1, and 1 for 1.0."""
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


Text = Annotated[str, StringConstraints(max_length=1_000), AfterValidator(require_storable)]
"""A profile's text, as long as a filter's may be."""
LongText = Annotated[str, StringConstraints(max_length=10_000), AfterValidator(require_storable)]
Key = Annotated[
    str,
    StringConstraints(min_length=1, max_length=MAX_KEY_LENGTH),
    AfterValidator(require_storable),
]
"""A caller's own key of a thing."""
