"""What callers may put into metadata and into the properties of events."""

import math
import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, StringConstraints

from app.filters.fields import is_key, is_number
from app.filters.values import LARGEST_LONG, SMALLEST_LONG

DEEPEST = 20

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def is_storable(text: str) -> bool:
    """Whether MongoDB can hold the text, and a filter ask about it."""
    return not _UNSTORABLE.search(text)


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
            if not isinstance(key, str) or not is_key(key) or not is_storable(key):
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
Key = Annotated[str, StringConstraints(min_length=1, max_length=255), AfterValidator(storable)]
"""A caller's own key of a thing."""
