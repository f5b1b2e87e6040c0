"""Every measure that memberships in all segments need, kept up to date as segments change."""

from collections.abc import Iterable, Mapping, Sequence

from app.filters.tree import Filter, Measure
from app.filters.walk import measures


class Measures:
    """The measures of each segment whose tree was asked for, and how many segments need each."""

    def __init__(self) -> None:
        self._by_segment: dict[str, Sequence[Measure]] = {}
        self._segments: dict[Measure, int] = {}

    def without(self, segment_ids: Iterable[str]) -> "Measures":
        """The same but for these segments, whose trees are others now."""
        copied = Measures()
        copied._by_segment = dict(self._by_segment)
        copied._segments = dict(self._segments)
        for id_ in segment_ids:
            for measure in copied._by_segment.pop(id_, ()):
                copied._segments[measure] -= 1
                if not copied._segments[measure]:
                    del copied._segments[measure]
        return copied

    def missing(self, segments: Mapping[str, object]) -> list[str]:
        """The ids of those segments whose measures are not known yet."""
        if len(self._by_segment) == len(segments):
            return []
        return [id_ for id_ in segments if id_ not in self._by_segment]

    def of(self, segment_id: str, tree: Filter) -> Sequence[Measure]:
        """The measures of a segment with this tree."""
        known = self._by_segment.get(segment_id)
        if known is None:
            known = self._by_segment[segment_id] = measures(tree)
            for measure in known:
                self._segments[measure] = self._segments.get(measure, 0) + 1
        return known

    def all(self) -> list[Measure]:
        """The measures of all segments that are known, each once."""
        return list(self._segments)
