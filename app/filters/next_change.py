"""Finds the next instant at which time alone changes whether a filter holds.

Each node of a filter has an answer timeline: its answer at `now` and the later instants at which
the answer changes. Operators compute the timelines of conditions; groups merge those of their
branches. Timelines are lazy iterators, so that the search computes only what it needs.
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
from app.worker_threads import raise_if_cancelled

HORIZON_YEARS = 10


def find_next_change(filter_: Filter, facts: CustomerFacts, now: Now) -> datetime | None:
    """The first millisecond after `now` with another answer than at `now`.

    Returns None if the answer stays the same for ten years. `facts` must have the rows of
    `measure_stages.candidate_rows_predicate`. A condition on n array elements or n rows costs
    O(n log n), even if its own answer changes often before the filter's does; an anniversary
    changes it up to ten times. Only sums beyond the range of a double cost more: they are
    recomputed, and the search raises FILTER_TOO_COMPLEX if that is too much.
    """
    change_at = next(ChangeSearch(facts, now, horizon(now)).build_timeline(filter_).changes, None)
    return None if change_at is None else truncate_to_milliseconds(change_at)


def horizon(now: Now) -> datetime:
    """The last instant of the search: the same date and time ten years later."""
    day = now.at.date()
    return datetime.combine(anniversary(day, day.year + HORIZON_YEARS), now.at.timetz())


class AnswerTimeline(NamedTuple):
    """Whether a node holds at `now`, and the later instants, in order, at which that changes."""

    holds_now: bool
    changes: Iterator[datetime]


_UnmetChange = tuple[datetime, int, int]
"""An instant, the index of a row, and the change in the number of its unmet conditions."""


@dataclass(frozen=True)
class ChangeSearch:
    """The search over the facts of one customer, from `now` until an instant (inclusive)."""

    facts: CustomerFacts
    now: Now
    until: datetime
    _segment_timelines: dict[NestedSegment, AnswerTimeline] = field(default_factory=dict)

    def build_timeline(self, filter_: Filter) -> AnswerTimeline:
        """The timeline of a filter."""
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
            case SegmentCondition(segment, is_member):
                timeline = self._segment_timeline(segment)
                return timeline if is_member else _negation(timeline)
            case _:
                assert_never(filter_)

    def _segment_timeline(self, segment: NestedSegment) -> AnswerTimeline:
        """The timeline of a nested segment, computed once and shared between its references."""
        timeline = self._segment_timelines.get(segment) or self.build_timeline(segment.tree)
        changes, cached_changes = tee(timeline.changes)
        self._segment_timelines[segment] = timeline._replace(changes=cached_changes)
        return timeline._replace(changes=changes)

    def _attribute_timeline(
        self, condition: AttributeCondition, document: Document
    ) -> AnswerTimeline:
        raise_if_cancelled()
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
                raise_if_cancelled()
                if operator_holds(operator, value, operand, self.now) != holds_before:
                    holds_before = not holds_before
                    yield at

        return AnswerTimeline(holds_now, changes(holds_now))

    def value_changes(self, measure: Measure) -> Iterator[tuple[datetime, int | float | None]]:
        """The instants after `now` that may change the measure, with the value from then on."""
        if measure.without_time_dependence is measure:
            return iter(())
        history = self.facts.history(measure, self.now)
        if history is not None and history.scanned_rows(measure) is None:
            return history.value_changes(measure, self.now, self.until)
        return self.value_changes_of_rows(measure, source_rows(measure, self.facts, self.now))

    def value_changes_of_rows(
        self, measure: Measure, rows: Sequence[Document]
    ) -> Iterator[tuple[datetime, int | float | None]]:
        """Like `value_changes`, over the given rows of the measure's source."""
        if measure.without_time_dependence is measure:
            return
        rows = filter_rows(measure.without_time_dependence, rows, self.now)
        # For each row the number of time-dependent conditions, with the window, that it fails.
        unmet_counts = [0] * len(rows)
        unmet_changes = merge(*[*self._unmet_changes(measure, rows, unmet_counts)])
        first_change = next(unmet_changes, None)
        if first_change is None:
            return
        incremental_measure = IncrementalMeasure(
            measure, rows, [not unmet_before for unmet_before in unmet_counts]
        )
        for at, simultaneous_changes in groupby(
            chain([first_change], unmet_changes), key=itemgetter(0)
        ):
            for _, row_index, unmet_change in simultaneous_changes:
                unmet_before = unmet_counts[row_index]
                unmet_counts[row_index] += unmet_change
                if not (unmet_before and unmet_counts[row_index]):
                    incremental_measure.toggle(row_index)
            yield at, incremental_measure.value

    def _unmet_changes(
        self, measure: Measure, rows: Sequence[Document], unmet_counts: list[int]
    ) -> Iterator[Iterable[_UnmetChange]]:
        """The changes of the unmet counts after `now`; adds the initial ones to `unmet_counts`."""
        if isinstance(measure.window, SlidingWindow):
            yield self._window_unmet_changes(measure.window, rows, unmet_counts)
        for condition in measure.where:
            raise_if_cancelled()
            if condition.operator.is_time_dependent:
                for row_index, row in enumerate(rows):
                    timeline = self._attribute_timeline(condition, row)
                    unmet_counts[row_index] += not timeline.holds_now
                    signs = cycle((1, -1) if timeline.holds_now else (-1, 1))
                    yield zip(timeline.changes, repeat(row_index), signs)

    def _window_unmet_changes(
        self, window: SlidingWindow, rows: Sequence[Document], unmet_counts: list[int]
    ) -> Sequence[_UnmetChange]:
        """The changes that the window causes, in order."""
        now, unmet_changes = self.now.at, []
        for row_index, row in enumerate(rows):
            at = row["at"]
            if at > self.until - window.end_ago:
                unmet_counts[row_index] += 1
                continue
            enters_at, leaves_at = at + window.end_ago, at + window.start_ago
            if not enters_at <= now < leaves_at:
                unmet_counts[row_index] += 1
            if enters_at > now:
                unmet_changes.append((enters_at, row_index, -1))
            if now < leaves_at <= self.until:
                unmet_changes.append((leaves_at, row_index, 1))
        return sorted(unmet_changes)


def _negation(timeline: AnswerTimeline) -> AnswerTimeline:
    return AnswerTimeline(not timeline.holds_now, timeline.changes)


def _conjunction(timelines: Iterable[AnswerTimeline]) -> AnswerTimeline:
    """Holds while every timeline holds."""
    timelines = list(timelines)
    if len(timelines) == 1:
        return timelines[0]
    return AnswerTimeline(
        all(timeline.holds_now for timeline in timelines), _conjunction_changes(timelines)
    )


def _conjunction_changes(timelines: Sequence[AnswerTimeline]) -> Iterator[datetime]:
    are_holding = [timeline.holds_now for timeline in timelines]
    unmet_count = are_holding.count(False)
    for at, changed_indexes in _merge_by_instant([timeline.changes for timeline in timelines]):
        unmet_before = unmet_count
        for index in changed_indexes:
            are_holding[index] = not are_holding[index]
            unmet_count += -1 if are_holding[index] else 1
        if (unmet_count == 0) != (unmet_before == 0):
            yield at


def _merge_by_instant(
    change_streams: Sequence[Iterator[datetime]],
) -> Iterator[tuple[datetime, list[int]]]:
    """The instants in order, each with the indexes of the streams that change at it."""
    indexed_changes = merge(
        *(zip(stream, repeat(index)) for index, stream in enumerate(change_streams))
    )
    for at, simultaneous_changes in groupby(indexed_changes, key=itemgetter(0)):
        yield at, [index for _, index in simultaneous_changes]
