"""What callers may put into metadata and into the properties of events."""

import math
from collections.abc import Mapping
from typing import Annotated, Any

import orjson
from pydantic import AfterValidator, StringConstraints

from app.filters.fields import is_key, is_number, is_storable
from app.filters.values import LARGEST_LONG, SMALLEST_LONG

DEEPEST = 20
LONGEST_KEY = 255
LARGEST = 1024 * 1024
# A stored number of one digit takes six times its text; nothing takes more.
_MOST_GROWTH = 6


def storable(text: str) -> str:
    """The text, if it can be stored."""
    if not is_storable(text):
        raise ValueError("must not contain NUL or half a surrogate pair")
    return text


def json_value(value: Any) -> Any:
    """JSON that can be stored and asked about; ValueError says what can't, and where."""
    _check(value, (), 0)
    return value


def json_object(value: Any) -> dict[str, Any]:
    """A JSON object, each of whose keys may be part of a path."""
    if not isinstance(value, dict):
        raise ValueError("must be a JSON object")
    _check(value, (), 0)
    return value


def _check(value: Any, path: tuple[str, ...], depth: int) -> None:
    where = f" at {'.'.join(path)[:200]}" if path else ""
    if depth > DEEPEST:
        raise ValueError(f"must not be nested deeper than {DEEPEST} levels")
    if isinstance(value, dict):
        for key, inner in value.items():
            if not isinstance(key, str) or not is_key(key):
                raise ValueError(
                    f"has a key{where} that can't be used: a key has 1 to 100 characters,"
                    " no dot, no NUL, and no $ at its start"
                )
            _check(inner, (*path, key), depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _check(inner, path, depth + 1)
    elif isinstance(value, str):
        if not is_storable(value):
            raise ValueError(f"has a text{where} with NUL or half a surrogate pair")
    elif is_number(value):
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"has a number{where} that is not finite")
        if isinstance(value, int) and not SMALLEST_LONG <= value <= LARGEST_LONG:
            raise ValueError(f"has a number{where} that does not fit into 64 bits")
    elif value is not None and not isinstance(value, bool):
        raise ValueError(f"has a value{where} that is no JSON")


def is_small(value: Any) -> bool:
    """Whether it takes at most 1 MiB, as text and where it is stored."""
    text = len(orjson.dumps(value, default=str))
    return text * _MOST_GROWTH <= LARGEST or max(text, stored_size(value)) <= LARGEST


def stored_size(value: Any) -> int:
    """How many bytes the value takes in BSON, where an array spells out each index."""
    if isinstance(value, str):
        return 5 + len(value.encode())
    if isinstance(value, Mapping):
        return 5 + sum(2 + len(key.encode()) + stored_size(value[key]) for key in value)
    if isinstance(value, list):
        return 5 + sum(2 + len(str(i)) + stored_size(element) for i, element in enumerate(value))
    if value is None or isinstance(value, bool):
        return int(value is not None)
    return 4 if isinstance(value, int) and -(2**31) <= value < 2**31 else 8


def small(value: Any) -> Any:
    """The value, if it is small enough to be stored beside others."""
    if not is_small(value):
        raise ValueError("would take more than 1 MiB; send less")
    return value


def same(one: Any, other: Any) -> bool:
    """Whether two values are stored alike: Python takes true for 1, and 1 for 1.0."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    for kind in (bool, float):
        if isinstance(one, kind) is not isinstance(other, kind):
            return False
    return bool(one == other)


Text = Annotated[str, StringConstraints(max_length=1_000), AfterValidator(storable)]
"""A profile's text, as long as a filter's may be."""
LongText = Annotated[str, StringConstraints(max_length=10_000), AfterValidator(storable)]
Key = Annotated[
    str, StringConstraints(min_length=1, max_length=LONGEST_KEY), AfterValidator(storable)
]
"""A caller's own key of a thing."""
