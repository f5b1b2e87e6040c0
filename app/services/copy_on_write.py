"""A mapping that is copied before its first change."""

from collections.abc import Mapping
from typing import Generic, TypeVar

Value = TypeVar("Value")


class CopyOnWriteMapping(Generic[Value]):
    """Wraps an immutable mapping, collects changes in a copy, and returns the changed mapping."""

    def __init__(self, rows: Mapping[str, Value]) -> None:
        self._rows = rows
        self._copy: dict[str, Value] | None = None
        self._is_sorted = True

    def put(self, key: str, row: Value) -> Value | None:
        """Sets the row, and returns the previous one."""
        copy = self._writable_copy()
        previous = copy.get(key)
        if previous is None and copy and key < next(reversed(copy)):
            self._is_sorted = False
        copy[key] = row
        return previous

    def pop(self, key: str) -> Value | None:
        return self._writable_copy().pop(key, None)

    def keys_except(self, keys: set[str]) -> set[str]:
        """Returns the base's keys that are not among these."""
        return set(self._rows) - keys

    def sorted_mapping(self) -> Mapping[str, Value]:
        """Returns the rows ordered by key, as MongoDB sorts them."""
        if self._copy is None:
            return self._rows
        return self._copy if self._is_sorted else dict(sorted(self._copy.items()))

    def _writable_copy(self) -> dict[str, Value]:
        if self._copy is None:
            self._copy = dict(self._rows)
        return self._copy
