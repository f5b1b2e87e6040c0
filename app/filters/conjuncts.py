"""Splits a filter into conjuncts: parts that must all hold for the filter to hold."""

from collections.abc import Iterator

from app.filters.calendar import Now
from app.filters.evaluate import CustomerFacts, holds
from app.filters.tree import AllOf, AnyOf, Filter, NestedSegment, NoneOf, SegmentCondition
from app.filters.walk import measures


def conjuncts(filter_: Filter, *, inline_segments: bool = True) -> list[Filter]:
    """The parts of the filter that must all hold.

    With `inline_segments` nested segments are split too, else each is one conjunct.
    """
    return list(_ConjunctCollector(inline_segments).collect(filter_, is_positive=True))


class _ConjunctCollector:
    """Collects conjuncts; splits each nested segment once for each polarity."""

    def __init__(self, inline_segments: bool) -> None:
        self._inline_segments = inline_segments
        self._seen: set[tuple[NestedSegment, bool]] = set()

    def collect(self, filter_: Filter, *, is_positive: bool) -> Iterator[Filter]:
        """The conjuncts of the filter or, unless `is_positive`, of its negation."""
        match filter_:
            case AllOf(branches) if is_positive or len(branches) == 1:
                yield from self._collect_branches(branches, is_positive)
            case AnyOf(branches) if not is_positive or len(branches) == 1:
                yield from self._collect_branches(branches, is_positive)
            case NoneOf(branches) if is_positive or len(branches) == 1:
                yield from self._collect_branches(branches, not is_positive)
            case SegmentCondition(segment, member) if self._inline_segments:
                if (segment, member is is_positive) not in self._seen:
                    self._seen.add((segment, member is is_positive))
                    yield from self.collect(segment.tree, is_positive=member is is_positive)
            case _:
                yield filter_ if is_positive else NoneOf((filter_,))

    def _collect_branches(
        self, branches: tuple[Filter, ...], is_positive: bool
    ) -> Iterator[Filter]:
        for branch in branches:
            yield from self.collect(branch, is_positive=is_positive)


def holds_without_rows(filter_: Filter, now: Now) -> bool:
    """Whether the filter holds without any rows; parts that need no rows count as false."""
    if not measures(filter_):
        return False
    match filter_:
        case AllOf(branches):
            return all(holds_without_rows(branch, now) for branch in branches)
        case AnyOf(branches):
            return any(holds_without_rows(branch, now) for branch in branches)
        case NoneOf(branches):
            return not any(holds_without_rows(branch, now) for branch in branches)
        case SegmentCondition(segment, member):
            return holds_without_rows(segment.tree, now) is member
        case _:
            return holds(filter_, CustomerFacts({}), now)
