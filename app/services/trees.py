"""The parsed trees of segments."""

import gc
from collections.abc import Iterable

from app.filters.tree import Nested

_TREES_PER_FREEZE = 1_000
_frozen = 0


class Trees:
    """Segments as they stand inside filters, by id. New definitions start with a copy of those
    before; what they parse is theirs alone."""

    def __init__(self, nested: dict[str, Nested] | None = None) -> None:
        self._nested = nested or {}

    def without(self, segment_ids: Iterable[str]) -> "Trees":
        """A copy but for these segments."""
        nested = dict(self._nested)
        for id_ in segment_ids:
            nested.pop(id_, None)
        return Trees(nested)

    def __contains__(self, segment_id: str) -> bool:
        return segment_id in self._nested

    def get(self, segment_id: str) -> Nested | None:
        return self._nested.get(segment_id)

    def add(self, nested: Nested) -> Nested:
        self._nested[nested.id] = nested
        _freeze(len(self._nested))
        return nested


def _freeze(trees: int) -> None:
    """Takes the trees out of the garbage collector's sight whenever a process has 1,000 more of
    them than ever before: they contain no cycles, and a look through 5,000 of them holds the event
    loop for 0.1 s."""
    global _frozen
    if trees >= _frozen + _TREES_PER_FREEZE:
        _frozen = trees
        gc.freeze()
