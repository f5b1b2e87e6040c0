"""The parsed trees of segments."""

from collections.abc import Iterable

from app.filters.tree import Nested
from app.long_lived import LongLived

_heap = LongLived()


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
        _heap.grown_to(len(self._nested))
        return nested
