"""Every measure that memberships in all segments need, kept up to date as segments change."""

from collections.abc import Iterable, Mapping, Sequence

from app.filters.tree import Filter, Measure
from app.filters.walk import measures


class SegmentMeasures:
    """The measures of each segment whose tree was asked for, and how many segments need each."""

    def __init__(self) -> None:
        self._measures_by_segment: dict[str, Sequence[Measure]] = {}
        self._segment_counts: dict[Measure, int] = {}

    def without_segments(self, segment_ids: Iterable[str]) -> "SegmentMeasures":
        """The same but for these segments, whose trees are others now."""
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
        """The measures of a segment with this tree."""
        cached = self._measures_by_segment.get(segment_id)
        if cached is None:
            cached = self._measures_by_segment[segment_id] = measures(tree)
            for measure in cached:
                self._segment_counts[measure] = self._segment_counts.get(measure, 0) + 1
        return cached

    def all(self) -> list[Measure]:
        """The measures of all segments that are known, each once."""
        return list(self._segment_counts)
