"""When the passing of time alone changes an answer, the facts being what they are.

Each part of a filter has a course: its answer at `now`, and the instants at which that turns. Those
of the leaves come from the operators themselves; those of groups are merged from their branches'.
All of it is lazy: of a course no more is worked out than is asked for.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from heapq import merge
from itertools import chain, cycle, groupby, repeat, tee
from operator import itemgetter
from typing import NamedTuple, assert_never

from app.filters.calendar import Now, anniversary, truncate_to_milliseconds
from app.filters.evaluate import (
    CustomerFacts,
    Document,
    Evaluation,
    filter_rows,
    holds,
    operator_holds,
    source_rows,
)
from app.filters.incremental_aggregates import IncrementalMeasure
from app.filters.tree import (
    AllOf,
    AnyOf,
    AttributeCondition,
    EventCondition,
    Filter,
    Measure,
    NestedSegment,
    NoneOf,
    SegmentCondition,
    SlidingWindow,
    StaticMemberCondition,
)

HORIZON_YEARS = 10


def find_next_change(filter_: Filter, facts: CustomerFacts, now: Now) -> datetime | None:
    """The first millisecond at which the filter's answer is no longer that at `now`; None where
    it stays for ten years.

    The facts hold the rows of `measuring.rows_ahead`. With n values in an array, or n rows of a
    measure, a condition costs in the order of n log n, however often its answer turns before the
    filter's does (a value that comes round each year turns up to ten times). Only sums beyond what
    a double can hold cost more: they are added up anew, and refused where that is too much.
    """
    change_at = next(ChangeSearch(facts, now, horizon(now)).build_timeline(filter_).changes, None)
    return None if change_at is None else truncate_to_milliseconds(change_at)


def horizon(now: Now) -> datetime:
    """The last instant that is looked at: the same date and time, ten years on."""
    day = now.at.date()
    return datetime.combine(anniversary(day, day.year + HORIZON_YEARS), now.at.timetz())


class AnswerTimeline(NamedTuple):
    """Whether something holds at `now`, and the instants after it, in order, at which it begins
    to or ceases to."""

    holds_now: bool
    changes: Iterator[datetime]


_UnmetChange = tuple[datetime, int, int]
"""At an instant the row at a place comes to lack so much more, or less."""


@dataclass(frozen=True)
class ChangeSearch:
    """Follows what is known of one customer from one instant until another."""

    facts: CustomerFacts
    now: Now
    until: datetime
    _segment_timelines: dict[NestedSegment, AnswerTimeline] = field(default_factory=dict)

    def build_timeline(self, filter_: Filter) -> AnswerTimeline:
        match filter_:
            case AllOf(branches):
                return _conjunction(self.build_timeline(branch) for branch in branches)
            case AnyOf(branches):
                return _negation(
                    _conjunction(_negation(self.build_timeline(branch)) for branch in branches)
                )
            case NoneOf(branches):
                return _conjunction(_negation(self.build_timeline(branch)) for branch in branches)
            case AttributeCondition():
                return self._attribute_timeline(filter_, self.facts.document)
            case EventCondition():
                return self._event_timeline(filter_)
            case StaticMemberCondition():
                return AnswerTimeline(holds(filter_, self.facts, self.now), iter(()))
            case SegmentCondition(segment, member):
                timeline = self._segment_timeline(segment)
                return timeline if member else _negation(timeline)
            case _:
                assert_never(filter_)

    def _segment_timeline(self, segment: NestedSegment) -> AnswerTimeline:
        """Followed once, however often the segment stands in the filter."""
        timeline = self._segment_timelines.get(segment) or self.build_timeline(segment.tree)
        changes, cached_changes = tee(timeline.changes)
        self._segment_timelines[segment] = timeline._replace(changes=cached_changes)
        return timeline._replace(changes=changes)

    def _attribute_timeline(
        self, condition: AttributeCondition, document: Document
    ) -> AnswerTimeline:
        stored, operator = condition.field.read(document), condition.operator
        return AnswerTimeline(
            operator_holds(operator, stored, condition.operand, self.now),
            operator.next_changes(stored, condition.operand, self.now, self.until),
        )

    def _event_timeline(self, condition: EventCondition) -> AnswerTimeline:
        measure, operator, operand = condition.measure, condition.operator, condition.operand
        value = Evaluation(self.facts, self.now).compute_measure(measure)
        holds_now = operator_holds(operator, value, operand, self.now)

        def changes(holds_before: bool) -> Iterator[datetime]:
            for at, value in self.value_changes(measure):
                if operator_holds(operator, value, operand, self.now) != holds_before:
                    holds_before = not holds_before
                    yield at

        return AnswerTimeline(holds_now, changes(holds_now))

    def value_changes(self, measure: Measure) -> Iterator[tuple[datetime, int | float | None]]:
        """The instants after `now` that may change the measure, with what it comes to then."""
        if measure.without_time_dependence is measure:
            return iter(())
        history = self.facts.history(measure, self.now)
        if history is not None and history.scanned_rows(measure) is None:
            return history.value_changes(measure, self.now, self.until)
        return self.value_changes_of_rows(measure, source_rows(measure, self.facts, self.now))

    def value_changes_of_rows(
        self, measure: Measure, rows: Sequence[Document]
    ) -> Iterator[tuple[datetime, int | float | None]]:
        """The same of the measure of these rows of its source."""
        if measure.without_time_dependence is measure:
            return
        rows = filter_rows(measure.without_time_dependence, rows, self.now)
        # Of each row, how much it lacks of being one that the measure is taken of.
        unmet_counts = [0] * len(rows)
        unmet_changes = merge(*[*self._unmet_changes(measure, rows, unmet_counts)])
        first = next(unmet_changes, None)
        if first is None:
            return
        incremental_measure = IncrementalMeasure(
            measure, rows, [not unmet_before for unmet_before in unmet_counts]
        )
        for at, simultaneous_changes in groupby(chain([first], unmet_changes), key=itemgetter(0)):
            for _, row_index, unmet_change in simultaneous_changes:
                unmet_before = unmet_counts[row_index]
                unmet_counts[row_index] += unmet_change
                if not (unmet_before and unmet_counts[row_index]):
                    incremental_measure.toggle(row_index)
            yield at, incremental_measure.value

    def _unmet_changes(
        self, measure: Measure, rows: Sequence[Document], unmet_counts: list[int]
    ) -> Iterator[Iterable[_UnmetChange]]:
        """How the rows come to lack more and less after `now`; notes what they lack at first."""
        if isinstance(measure.window, SlidingWindow):
            yield self._window_unmet_changes(measure.window, rows, unmet_counts)
        for condition in measure.where:
            if condition.operator.is_time_dependent:
                for row_index, row in enumerate(rows):
                    timeline = self._attribute_timeline(condition, row)
                    unmet_counts[row_index] += not timeline.holds_now
                    signs = cycle((1, -1) if timeline.holds_now else (-1, 1))
                    yield zip(timeline.changes, repeat(row_index), signs)

    def _window_unmet_changes(
        self, window: SlidingWindow, rows: Sequence[Document], unmet_counts: list[int]
    ) -> Sequence[_UnmetChange]:
        """The same of the window alone."""
        now, unmet_changes = self.now.at, []
        for row_index, row in enumerate(rows):
            start = row["at"]
            if start > self.until:
                unmet_counts[row_index] += 1
                continue
            end = start + window.length
            if not start <= now < end:
                unmet_counts[row_index] += 1
            if start > now:
                unmet_changes.append((start, row_index, -1))
            if now < end <= self.until:
                unmet_changes.append((end, row_index, 1))
        return sorted(unmet_changes)


def _negation(timeline: AnswerTimeline) -> AnswerTimeline:
    return AnswerTimeline(not timeline.holds_now, timeline.changes)


def _conjunction(timelines: Iterable[AnswerTimeline]) -> AnswerTimeline:
    """Holds while each of the courses does."""
    timelines = list(timelines)
    if len(timelines) == 1:
        return timelines[0]
    return AnswerTimeline(
        all(course.holds_now for course in timelines), _conjunction_changes(timelines)
    )


def _conjunction_changes(timelines: Sequence[AnswerTimeline]) -> Iterator[datetime]:
    are_holding = [course.holds_now for course in timelines]
    unmet_count = are_holding.count(False)
    for at, changed_indexes in _merge_by_instant([course.changes for course in timelines]):
        unmet_before = unmet_count
        for index in changed_indexes:
            are_holding[index] = not are_holding[index]
            unmet_count += -1 if are_holding[index] else 1
        if (unmet_count == 0) != (unmet_before == 0):
            yield at


def _merge_by_instant(
    change_streams: Sequence[Iterator[datetime]],
) -> Iterator[tuple[datetime, list[int]]]:
    """The instants in order, each with the places of all in the sequence that turn at it."""
    indexed_changes = merge(
        *(zip(stream, repeat(place)) for place, stream in enumerate(change_streams))
    )
    for at, simultaneous_changes in groupby(indexed_changes, key=itemgetter(0)):
        yield at, [place for _, place in simultaneous_changes]
