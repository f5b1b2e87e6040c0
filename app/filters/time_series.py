"""One customer's events of one kind in the order of time, with the aggregates asked of them."""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

from app.filters.aggregates import Aggregate
from app.filters.incremental_aggregates import require_few_recomputed
from app.filters.suffix_aggregates import (
    SUFFIX_AGGREGATE_CLASSES,
    Number,
    SuffixAggregate,
    recompute,
)

MAX_SCANNED_DEPARTURES = 256
"""The most departures that are followed one by one in search of the next change."""
_MAX_BISECTIONS = 64
_INFINITY_MS = 2**62


class SeriesRow(NamedTuple):
    """An event: its instant, in milliseconds since 1970, and the value that is aggregated."""

    instant_ms: int
    value: object


class ThresholdIntervals(Protocol):
    """How aggregates are sorted into the stretches between the thresholds that are asked for."""

    def interval_of(self, value: Number | None) -> int:
        """The stretch of an aggregate; None stands for a missing one."""

    def changes_answer(self, interval: int) -> bool:
        """Whether the answer in a stretch is another one than now."""


class TimeSeries:
    """Rows that come and go, and what they come to in windows that end now.

    `now` may only move forward for answers in O(log n); an earlier one costs O(n). Rows that are
    dated ahead of it wait beside the series until it has reached them.
    """

    def __init__(self, *, is_time_dependent: bool) -> None:
        self._instants_ms = array("q")
        self._values: list[object] = []
        self._future_rows: list[SeriesRow] = []
        self._is_future_sorted = True
        # Where no window moves, rows count whatever their date.
        self._now_ms = -_INFINITY_MS if is_time_dependent else _INFINITY_MS
        self._suffix_aggregates: dict[Aggregate | None, SuffixAggregate] = {}

    def __len__(self) -> int:
        return len(self._instants_ms) + len(self._future_rows)

    def add_aggregate(self, aggregate: Aggregate | None) -> None:
        """Prepares to answer for an aggregate; to be called before any row is added."""
        self._suffix_aggregates.setdefault(aggregate, SUFFIX_AGGREGATE_CLASSES[aggregate]())

    def add(self, rows: Iterable[SeriesRow]) -> None:
        self._future_rows += rows
        self._is_future_sorted = False
        if self._now_ms > -_INFINITY_MS:
            self._insert_arrived_rows()

    def extend(self, instants_ms: Sequence[int], values: Sequence[object], now_ms: int) -> None:
        """Adds many rows at once, in their order and no earlier than those that are there; `now` is
        no later than the first instant that is asked about."""
        self._now_ms = max(self._now_ms, now_ms)
        arrived_count = bisect_right(instants_ms, self._now_ms)
        first_index = len(self._instants_ms)
        self._instants_ms.extend(instants_ms[:arrived_count])
        self._values += values[:arrived_count]
        for aggregate in self._suffix_aggregates.values():
            aggregate.extend(first_index, instants_ms[:arrived_count], values[:arrived_count])
        self.add(map(SeriesRow, instants_ms[arrived_count:], values[arrived_count:]))

    def remove(self, row: SeriesRow) -> None:
        """Takes out one row with this instant and value."""
        if row.instant_ms > self._now_ms:
            future_indexes = (
                i
                for i, future_row in enumerate(self._future_rows)
                if future_row.instant_ms == row.instant_ms
            )
            del self._future_rows[
                next(
                    i
                    for i in future_indexes
                    if _is_same_value(self._future_rows[i].value, row.value)
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
        """Moves the rows that are no longer ahead into the series."""
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

    # --- answers

    def value(
        self, aggregate: Aggregate | None, length_ms: int | None, now_ms: int
    ) -> Number | None:
        """The aggregate over the window of a length in milliseconds that ends now; None for the
        length means all rows."""
        if length_ms is None:
            return self._suffix_value(aggregate, -_INFINITY_MS)
        self._advance_to(now_ms)
        if now_ms < self._now_ms and self._instants_ms and self._instants_ms[-1] > now_ms:
            return self._recomputed_value(aggregate, length_ms, now_ms)
        return self._suffix_value(aggregate, now_ms - length_ms)

    def _suffix_value(self, aggregate: Aggregate | None, start_ms: int) -> Number | None:
        """The aggregate of the rows after an instant that are not ahead."""
        suffix_aggregate = self._suffix_aggregates[aggregate]
        first_index = bisect_right(self._instants_ms, start_ms)
        if suffix_aggregate.inexact_count:
            return recompute(aggregate, self._values, first_index)
        return suffix_aggregate.suffix_value(first_index, start_ms)

    def _recomputed_value(
        self, aggregate: Aggregate | None, length_ms: int, now_ms: int
    ) -> Number | None:
        """The same at any instant, from every row."""
        instants_ms = [*self._instants_ms, *map(_row_instant_ms, self._future_rows)]
        values = [*self._values, *(row.value for row in self._future_rows)]
        first_index, end = (
            bisect_right(instants_ms, now_ms - length_ms),
            bisect_right(instants_ms, now_ms),
        )
        return recompute(aggregate, values[:end], first_index)

    def may_change(self, length_ms: int, now_ms: int) -> bool:
        """Whether a row is yet to enter or leave the window."""
        self._advance_to(now_ms)
        return bool(self._future_rows) or bool(
            self._instants_ms and self._instants_ms[-1] > now_ms - length_ms
        )

    def value_changes(
        self, aggregate: Aggregate | None, length_ms: int, now_ms: int, until_ms: int
    ) -> Iterator[tuple[int, Number | None]]:
        """Each instant after `now` and up to `until` at which a row enters or leaves the window,
        with the aggregate from then on."""
        self._advance_to(now_ms)
        series = (
            self
            if not self._future_rows and now_ms >= self._now_ms
            else self._copy_at(aggregate, now_ms)
        )
        row_instants_ms = [*series._instants_ms, *map(_row_instant_ms, series._future_rows)]
        change_instants_ms = {at_ms for at_ms in row_instants_ms if now_ms < at_ms <= until_ms}
        change_instants_ms |= {
            at_ms + length_ms for at_ms in row_instants_ms if now_ms < at_ms + length_ms <= until_ms
        }
        recomputed_values = 0
        for at_ms in sorted(change_instants_ms):
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
        """A series of the same rows that has come to an instant, and not further."""
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
        """An instant after `now` and up to `until` before which the answer stays as it is; None
        where it stays throughout.

        The instant is that of the change, or an earlier one at which to ask again: where the
        aggregate is not monotone, no more than `MAX_STEPS` departures are followed.
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
            # Only where the last row leaves is the aggregate missing.
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
        """The next instant after any `now` at which a row enters or leaves the window."""
        boundaries_ms = [row.instant_ms for row in self._future_rows[:1]]
        for offset_ms in (0, length_ms):
            index = bisect_right(self._instants_ms, now_ms - offset_ms)
            boundaries_ms += (
                instant + offset_ms for instant in self._instants_ms[index : index + 1]
            )
        return min((at for at in boundaries_ms if at <= until_ms), default=None)

    def _bisect_next_change(
        self,
        aggregate: Aggregate | None,
        first_index: int,
        last_index: int,
        intervals: ThresholdIntervals,
    ) -> int | None:
        """How many rows must have left before the answer is another one, found by bisection from
        one threshold to the next."""

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
        """The same, one departure after the other, and not more of them than `steps`."""
        end_index = min(first_index + max_steps, last_index)
        for index in range(first_index + 1, end_index + 1):
            value = self._suffix_value(aggregate, self._instants_ms[index - 1])
            if intervals.changes_answer(intervals.interval_of(value)):
                return index
        return end_index if end_index < last_index else None


def _is_within_one_interval(
    bounds: tuple[Number, Number] | None,
    suffix_aggregate: SuffixAggregate,
    intervals: ThresholdIntervals,
) -> bool:
    """Whether everything between two bounds lies in one stretch."""
    return (
        bool(bounds and not suffix_aggregate.inexact_count)
        and len(set(map(intervals.interval_of, bounds or ()))) == 1
    )


def _row_instant_ms(row: SeriesRow) -> int:
    return row.instant_ms


def _is_same_value(value: object, other: object) -> bool:
    """Whether two values are alike in type and value; NaN is like NaN."""
    return value is other or (
        type(value) is type(other) and (value == other or (value != value and other != other))
    )
