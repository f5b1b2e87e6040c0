"""A cache of the parsed filters of segments."""

from collections.abc import Iterable

from app.domain.ids import EntityKind
from app.filters import Filter
from app.filters.sources import static_member_source
from app.filters.tree import Measure, NestedSegment, StaticMemberCondition
from app.heap_freezer import HeapFreezer
from app.store.ids import to_object_id

_heap_freezer = HeapFreezer()


def static_member_filter(segment_id: str) -> Filter:
    """Returns the filter that the members of a static segment meet."""
    list_key = to_object_id(EntityKind.SEGMENT, segment_id)
    return StaticMemberCondition(Measure(static_member_source(segment_id, list_key)))


class ParsedFilters:
    """Parsed segments by id. Each revision of the definitions has its own cache, which starts with
    the entries of the revision before that are still valid."""

    def __init__(self, nested: dict[str, NestedSegment] | None = None) -> None:
        self._nested = nested or {}

    def without(self, segment_ids: Iterable[str]) -> "ParsedFilters":
        """Returns a copy without these segments."""
        nested = dict(self._nested)
        for id_ in segment_ids:
            nested.pop(id_, None)
        return ParsedFilters(nested)

    def __contains__(self, segment_id: str) -> bool:
        return segment_id in self._nested

    def get(self, segment_id: str) -> NestedSegment | None:
        return self._nested.get(segment_id)

    def add(self, nested: NestedSegment) -> NestedSegment:
        self._nested[nested.id] = nested
        _heap_freezer.freeze_if_grown(len(self._nested))
        return nested
