"""Time series: one customer's events of one kind in order of time, with suffix aggregates."""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from heapq import merge
from itertools import groupby
from typing import NamedTuple, Protocol

from app.filters.aggregates import Aggregate
from app.filters.incremental_aggregates import require_few_recomputed
from app.filters.suffix_aggregate_base import Number, SuffixAggregate
from app.filters.suffix_aggregates import SUFFIX_AGGREGATE_CLASSES, recompute

# The maximum number of rows leaving the window that a search for the next change follows.
MAX_SCANNED_DEPARTURES = 256
_MAX_BISECTIONS = 64
_INFINITY_MS = 2**62


class SeriesRow(NamedTuple):
    """An event: its instant, in milliseconds since 1970, and the value that is aggregated."""

    instant_ms: int
    value: object


class ThresholdIntervals(Protocol):
    """Assigns values of an aggregate to the intervals between the thresholds of all conditions."""

    def interval_of(self, value: Number | None) -> int:
        """The number of the interval that holds a value; None is a missing value."""

    def changes_answer(self, interval: int) -> bool:
        """Whether any condition has another answer in this interval than now."""


class TimeSeries:
    """Rows in order of time, and their aggregates over sliding windows that end now.

    Answers cost O(log n) as long as `now` moves forward; an earlier `now` costs O(n). Rows dated
    after the latest `now` (future rows) are kept apart until `now` reaches them. `Aggregate` None
    stands for the count of rows. All instants are in milliseconds since 1970.
    """

    def __init__(self, *, is_time_dependent: bool) -> None:
        self._instants_ms = array("q")
        self._values: list[object] = []
        self._future_rows: list[SeriesRow] = []
        self._is_future_sorted = True
        # Without a sliding window all rows count, whatever their instant.
        self._now_ms = -_INFINITY_MS if is_time_dependent else _INFINITY_MS
        self._suffix_aggregates: dict[Aggregate | None, SuffixAggregate] = {}

    def __len__(self) -> int:
        return len(self._instants_ms) + len(self._future_rows)

    def add_aggregate(self, aggregate: Aggregate | None) -> None:
        """Maintains an aggregate; must be called before the first row is added."""
        self._suffix_aggregates.setdefault(aggregate, SUFFIX_AGGREGATE_CLASSES[aggregate]())

    def add(self, rows: Iterable[SeriesRow]) -> None:
        """Adds rows in any order."""
        self._future_rows += rows
        self._is_future_sorted = False
        if self._now_ms > -_INFINITY_MS:
            self._insert_arrived_rows()

    def extend(self, instants_ms: Sequence[int], values: Sequence[object], now_ms: int) -> None:
        """Adds many rows in order of time, none earlier than those already in the series.

        `now_ms` must not be later than the first instant that is evaluated afterwards.
        """
        self._now_ms = max(self._now_ms, now_ms)
        arrived_count = bisect_right(instants_ms, self._now_ms)
        first_index = len(self._instants_ms)
        self._instants_ms.extend(instants_ms[:arrived_count])
        self._values += values[:arrived_count]
        for aggregate in self._suffix_aggregates.values():
            aggregate.extend(first_index, instants_ms[:arrived_count], values[:arrived_count])
        self.add(map(SeriesRow, instants_ms[arrived_count:], values[arrived_count:]))

    def remove(self, row: SeriesRow) -> None:
        """Removes one row with this instant and value; it must be in the series."""
        if row.instant_ms > self._now_ms:
            del self._future_rows[
                next(
                    index
                    for index, future_row in enumerate(self._future_rows)
                    if future_row.instant_ms == row.instant_ms
                    and _is_same_value(future_row.value, row.value)
                )
            ]
            return
        index = bisect_left(self._instants_ms, row.instant_ms)
        while not _is_same_value(self._values[index], row.value):
            index += 1
        del self._instants_ms[index], self._values[index]
        for aggregate in self._suffix_aggregates.values():
            if not aggregate.remove(index, row.instant_ms, row.value):
                self._rebuild(aggregate)

    def _rebuild(self, aggregate: SuffixAggregate) -> None:
        aggregate.clear()
        for index, (instant_ms, value) in enumerate(
            zip(self._instants_ms, self._values, strict=True)
        ):
            aggregate.insert(index, instant_ms, value)

    def _advance_to(self, now_ms: int) -> None:
        if now_ms > self._now_ms:
            self._now_ms = now_ms
            self._insert_arrived_rows()

    def _insert_arrived_rows(self) -> None:
        """Moves the future rows that `now` has reached into the series."""
        if not self._is_future_sorted:
            self._future_rows.sort(key=_row_instant_ms)
            self._is_future_sorted = True
        if not self._future_rows or self._future_rows[0].instant_ms > self._now_ms:
            return
        arrived_count = bisect_right(self._future_rows, self._now_ms, key=_row_instant_ms)
        arrived_rows = self._future_rows[:arrived_count]
        del self._future_rows[:arrived_count]
        for row in arrived_rows:
            index = bisect_right(self._instants_ms, row.instant_ms)
            self._instants_ms.insert(index, row.instant_ms)
            self._values.insert(index, row.value)
            for aggregate in self._suffix_aggregates.values():
                aggregate.insert(index, row.instant_ms, row.value)

    def value(
        self, aggregate: Aggregate | None, length_ms: int | None, now_ms: int
    ) -> Number | None:
        """The aggregate over the window of `length_ms` that ends at `now_ms`.

        The length None stands for all rows. Returns None if the aggregate is missing.
        """
        if length_ms is None:
            return self._suffix_value(aggregate, -_INFINITY_MS)
        self._advance_to(now_ms)
        if now_ms < self._now_ms and self._instants_ms and self._instants_ms[-1] > now_ms:
            return self._recomputed_value(aggregate, length_ms, now_ms)
        return self._suffix_value(aggregate, now_ms - length_ms)

    def _suffix_value(self, aggregate: Aggregate | None, start_ms: int) -> Number | None:
        """The aggregate of the rows after an instant, without future rows."""
        suffix_aggregate = self._suffix_aggregates[aggregate]
        first_index = bisect_right(self._instants_ms, start_ms)
        if suffix_aggregate.inexact_count:
            return recompute(aggregate, self._values, first_index)
        return suffix_aggregate.suffix_value(first_index, start_ms)

    def _recomputed_value(
        self, aggregate: Aggregate | None, length_ms: int, now_ms: int
    ) -> Number | None:
        """The value at an earlier `now`, recomputed from all rows."""
        instants_ms = [*self._instants_ms, *map(_row_instant_ms, self._future_rows)]
        values = [*self._values, *(row.value for row in self._future_rows)]
        first_index, end = (
            bisect_right(instants_ms, now_ms - length_ms),
            bisect_right(instants_ms, now_ms),
        )
        return recompute(aggregate, values[:end], first_index)

    def may_change(self, length_ms: int, now_ms: int) -> bool:
        """Whether any row will enter or leave the window after `now_ms`."""
        self._advance_to(now_ms)
        return bool(self._future_rows) or bool(
            self._instants_ms and self._instants_ms[-1] > now_ms - length_ms
        )

    def value_changes(
        self, aggregate: Aggregate | None, length_ms: int, now_ms: int, until_ms: int
    ) -> Iterator[tuple[int, Number | None]]:
        """The instants at which a row enters or leaves the window, each with the new aggregate.

        The instants are after `now_ms` and up to `until_ms`.
        Raises FILTER_TOO_COMPLEX if inexact sums need too much recomputation.
        """
        self._advance_to(now_ms)
        series = (
            self
            if not self._future_rows and now_ms >= self._now_ms
            else self._copy_at(aggregate, now_ms)
        )
        row_instants_ms: Sequence[int] = series._instants_ms
        if series._future_rows:
            # Not the series itself: its rows arrive during the iteration.
            future_instants_ms = sorted(map(_row_instant_ms, series._future_rows))
            row_instants_ms = [*row_instants_ms, *future_instants_ms]
        # Lazily: a search may follow hundreds of windows over the same rows.
        change_instants_ms = merge(
            _shifted_instants(row_instants_ms, 0, now_ms, until_ms),
            _shifted_instants(row_instants_ms, length_ms, now_ms, until_ms),
        )
        recomputed_values = 0
        for at_ms, _ in groupby(change_instants_ms):
            if self._suffix_aggregates[aggregate].inexact_count:
                recomputed_values += len(row_instants_ms)
                require_few_recomputed(recomputed_values)
            start_ms = at_ms - length_ms
            yield (
                at_ms,
                series._suffix_value(aggregate, start_ms)
                if series is self
                else series.value(aggregate, length_ms, at_ms),
            )

    def _copy_at(self, aggregate: Aggregate | None, now_ms: int) -> "TimeSeries":
        """A series of the same rows whose `now` is `now_ms`."""
        series = TimeSeries(is_time_dependent=True)
        series.add_aggregate(aggregate)
        series.extend(self._instants_ms, self._values, now_ms)
        series.add(self._future_rows)
        return series

    def next_change(
        self,
        aggregate: Aggregate | None,
        length_ms: int,
        now_ms: int,
        until_ms: int,
        intervals: ThresholdIntervals,
    ) -> int | None:
        """The next instant after `now_ms`, up to `until_ms`, at which to evaluate again.

        No answer changes before it. Returns None if none changes up to `until_ms`. The instant
        may be earlier than the change: with an aggregate that is not monotone, the search follows
        at most `MAX_SCANNED_DEPARTURES` rows that leave the window.
        """
        self._advance_to(now_ms)
        suffix_aggregate = self._suffix_aggregates[aggregate]
        if now_ms < self._now_ms:
            return self._next_boundary(length_ms, now_ms, until_ms)
        until_ms = min([until_ms, *(row.instant_ms for row in self._future_rows[:1])])
        first_index = bisect_right(self._instants_ms, now_ms - length_ms)
        last_index = bisect_right(self._instants_ms, until_ms - length_ms)
        if suffix_aggregate.is_monotone:
            removed_count = self._bisect_next_change(aggregate, first_index, last_index, intervals)
        elif _is_within_one_interval(
            suffix_aggregate.bounds(first_index, now_ms - length_ms), suffix_aggregate, intervals
        ):
            # The aggregate is missing once the last row has left.
            becomes_empty = last_index == len(self._instants_ms) > first_index
            removed_count = (
                last_index
                if becomes_empty and intervals.changes_answer(intervals.interval_of(None))
                else None
            )
        else:
            max_steps = 1 if suffix_aggregate.inexact_count else MAX_SCANNED_DEPARTURES
            removed_count = self._scan_next_change(
                aggregate, first_index, last_index, intervals, max_steps
            )
        if removed_count is not None:
            return self._instants_ms[removed_count - 1] + length_ms
        return (
            until_ms if self._future_rows and self._future_rows[0].instant_ms == until_ms else None
        )

    def _next_boundary(self, length_ms: int, now_ms: int, until_ms: int) -> int | None:
        """The next instant after an earlier `now` at which a row enters or leaves the window."""
        boundaries_ms = [row.instant_ms for row in self._future_rows[:1]]
        for offset_ms in (0, length_ms):
            index = bisect_right(self._instants_ms, now_ms - offset_ms)
            boundaries_ms += (
                instant_ms + offset_ms for instant_ms in self._instants_ms[index : index + 1]
            )
        return min((at_ms for at_ms in boundaries_ms if at_ms <= until_ms), default=None)

    def _bisect_next_change(
        self,
        aggregate: Aggregate | None,
        first_index: int,
        last_index: int,
        intervals: ThresholdIntervals,
    ) -> int | None:
        """The index after the row with whose departure an answer changes, for monotone aggregates.

        The search bisects from one threshold to the next.
        """

        def interval_after(index: int) -> int:
            return intervals.interval_of(
                self._suffix_value(aggregate, self._instants_ms[index - 1])
            )

        if first_index >= last_index:
            return None
        current_interval = intervals.interval_of(
            self._suffix_value(aggregate, self._instants_ms[first_index] - 1)
        )
        last_interval = interval_after(last_index)
        for _ in range(_MAX_BISECTIONS):
            if current_interval == last_interval:
                return None
            low, high = first_index, last_index
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (
                    (middle, high) if interval_after(middle) == current_interval else (low, middle)
                )
            first_index, current_interval = high, interval_after(high)
            if intervals.changes_answer(current_interval):
                break
        return first_index

    def _scan_next_change(
        self,
        aggregate: Aggregate | None,
        first_index: int,
        last_index: int,
        intervals: ThresholdIntervals,
        max_steps: int,
    ) -> int | None:
        """The same for any aggregate, by evaluating at most `max_steps` departures."""
        end_index = min(first_index + max_steps, last_index)
        for index in range(first_index + 1, end_index + 1):
            value = self._suffix_value(aggregate, self._instants_ms[index - 1])
            if intervals.changes_answer(intervals.interval_of(value)):
                return index
        return end_index if end_index < last_index else None


def _shifted_instants(
    instants_ms: Sequence[int], offset_ms: int, after_ms: int, until_ms: int
) -> Iterator[int]:
    """The ascending instants, each plus the offset, that are after an instant and up to another."""
    first_index = bisect_right(instants_ms, after_ms - offset_ms)
    end_index = bisect_right(instants_ms, until_ms - offset_ms)
    return (instants_ms[index] + offset_ms for index in range(first_index, end_index))


def _is_within_one_interval(
    bounds: tuple[Number, Number] | None,
    suffix_aggregate: SuffixAggregate,
    intervals: ThresholdIntervals,
) -> bool:
    """Whether all values between two bounds lie in one interval."""
    return (
        bool(bounds and not suffix_aggregate.inexact_count)
        and len(set(map(intervals.interval_of, bounds or ()))) == 1
    )


def _row_instant_ms(row: SeriesRow) -> int:
    return row.instant_ms


def _is_same_value(value: object, other: object) -> bool:
    """Whether two values have the same type and value; NaN equals NaN."""
    return value is other or (
        type(value) is type(other) and (value == other or (value != value and other != other))
    )
