"""The measures that the filters of all segments need, updated as segments change.

A measure is what a condition on events, orders or lists takes of rows: a source and an aggregate.
"""

from collections.abc import Iterable, Mapping, Sequence

from app.filters.tree import Filter, Measure
from app.filters.walk import measures


class SegmentMeasures:
    """The measures of each known segment, and how many segments need each measure."""

    def __init__(self) -> None:
        self._measures_by_segment: dict[str, Sequence[Measure]] = {}
        self._segment_counts: dict[Measure, int] = {}

    def without_segments(self, segment_ids: Iterable[str]) -> "SegmentMeasures":
        """Returns a copy without these segments, whose filters have changed."""
        copy = SegmentMeasures()
        copy._measures_by_segment = dict(self._measures_by_segment)
        copy._segment_counts = dict(self._segment_counts)
        for segment_id in segment_ids:
            for measure in copy._measures_by_segment.pop(segment_id, ()):
                copy._segment_counts[measure] -= 1
                if not copy._segment_counts[measure]:
                    del copy._segment_counts[measure]
        return copy

    def missing_segment_ids(self, segments: Mapping[str, object]) -> list[str]:
        """The ids of those segments whose measures are not known yet."""
        if len(self._measures_by_segment) == len(segments):
            return []
        return [id_ for id_ in segments if id_ not in self._measures_by_segment]

    def measures_of(self, segment_id: str, tree: Filter) -> Sequence[Measure]:
        """The measures of a segment; `tree` is its parsed filter. It becomes known by this call."""
        cached = self._measures_by_segment.get(segment_id)
        if cached is None:
            cached = self._measures_by_segment[segment_id] = measures(tree)
            for measure in cached:
                self._segment_counts[measure] = self._segment_counts.get(measure, 0) + 1
        return cached

    def all(self) -> list[Measure]:
        """The measures of all known segments, each once."""
        return list(self._segment_counts)
