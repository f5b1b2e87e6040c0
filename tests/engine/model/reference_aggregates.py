"""Aggregates of one customer's events for the replay, updated row by row.

An implementation independent of the engine's: it shares only the evaluation of a condition on one
row. An update takes O(log n), so that a replay can have customers with tens of thousands of events.
"""

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from fractions import Fraction
from heapq import heappop, heappush
from itertools import count
from typing import Any

from app.filters import Calendar, Now
from app.filters.evaluate import operator_holds
from app.filters.tree import FixedWindow, Measure, SlidingWindow

Row = Mapping[str, Any]
Number = int | float


class _WindowedRow:
    """A row that meets every `where`, and the instants at which it enters and leaves the window."""

    __slots__ = ("end", "is_in_window", "is_present", "start", "value")

    def __init__(self, value: object) -> None:
        self.value = value
        self.start: datetime | None = None
        self.end: datetime | None = None
        self.is_in_window = False
        self.is_present = True


class ReferenceAggregate:
    """The value of a measure while rows are added and removed and time passes."""

    def __init__(self, measure: Measure, calendar: Calendar) -> None:
        if any(where.operator.is_time_dependent for where in measure.where):
            raise NotImplementedError("a condition on events that follows the clock")
        self._measure = measure
        self._calendar = calendar
        self._rows: dict[object, _WindowedRow] = {}
        self._window_changes: list[tuple[datetime, int, _WindowedRow]] = []
        self._tie_breaker = count()
        function = measure.aggregate.name if measure.aggregate else "COUNT"
        self._aggregate = _AGGREGATES[function]()

    @property
    def value(self) -> Number | None:
        return self._aggregate.value

    @property
    def next_change(self) -> datetime | None:
        """The next instant at which a row enters or leaves the window."""
        while self._window_changes and not self._window_changes[0][2].is_present:
            heappop(self._window_changes)
        return self._window_changes[0][0] if self._window_changes else None

    def advance(self, now: datetime) -> None:
        """Advances the window to `now`."""
        while self._window_changes and self._window_changes[0][0] <= now:
            instant, _, entry = heappop(self._window_changes)
            if entry.is_present:
                self._set_in_window(entry, is_in_window=instant != entry.end)

    def put(self, key: object, row: Row, now: datetime) -> None:
        """Adds or replaces a row as of `now`."""
        self.drop(key)
        measure, at = self._measure, row["at"]
        for where in measure.where:
            stored = where.field.read(row)
            if not operator_holds(where.operator, stored, where.operand, Now(now, self._calendar)):
                return
        entry = _WindowedRow(measure.property.read(row) if measure.property else None)
        match measure.window:
            case None:
                is_in = True
            case FixedWindow(start, end):
                is_in = start <= at <= end
            case SlidingWindow(start_ago, end_ago):
                entry.start, entry.end = at + end_ago, at + start_ago
                is_in = entry.start <= now < entry.end
                for instant in (entry.start, entry.end):
                    if instant > now:
                        heappush(self._window_changes, (instant, next(self._tie_breaker), entry))
        self._rows[key] = entry
        self._set_in_window(entry, is_in_window=is_in)

    def drop(self, key: object) -> None:
        """Removes a row if it exists."""
        if entry := self._rows.pop(key, None):
            self._set_in_window(entry, is_in_window=False)
            entry.is_present = False

    def _set_in_window(self, entry: _WindowedRow, *, is_in_window: bool) -> None:
        if entry.is_in_window != is_in_window:
            entry.is_in_window = is_in_window
            (self._aggregate.add if is_in_window else self._aggregate.remove)(entry.value)


class _Count:
    def __init__(self) -> None:
        self._number = 0

    @property
    def value(self) -> Number | None:
        return self._number

    def add(self, value: object) -> None:
        self._number += 1

    def remove(self, value: object) -> None:
        self._number -= 1


class _NumericAggregate:
    """Base of the aggregates that ignore values other than numbers."""

    def __init__(self) -> None:
        self._sorted: list[Number] = []
        self._floats = 0
        self._sum = Fraction(0)

    @property
    def value(self) -> Number | None:
        raise NotImplementedError

    def add(self, value: object) -> None:
        if isinstance(value, int | float) and not isinstance(value, bool):
            insort(self._sorted, value)
            self._floats += isinstance(value, float)
            self._sum += Fraction(value)

    def remove(self, value: object) -> None:
        if isinstance(value, int | float) and not isinstance(value, bool):
            del self._sorted[bisect_left(self._sorted, value)]
            self._floats -= isinstance(value, float)
            self._sum -= Fraction(value)


class _Sum(_NumericAggregate):
    @property
    def value(self) -> Number | None:
        return float(self._sum) if self._floats else int(self._sum)


class _Average(_NumericAggregate):
    @property
    def value(self) -> Number | None:
        return float(self._sum) / len(self._sorted) if self._sorted else None


class _Minimum(_NumericAggregate):
    @property
    def value(self) -> Number | None:
        return self._sorted[0] if self._sorted else None


class _Maximum(_NumericAggregate):
    @property
    def value(self) -> Number | None:
        return self._sorted[-1] if self._sorted else None


class _DistinctCount:
    """Counts distinct texts and numbers; the events of the workload have no other values."""

    def __init__(self) -> None:
        self._counts: Counter[object] = Counter()

    @property
    def value(self) -> Number | None:
        return len(self._counts)

    def add(self, value: object) -> None:
        if value is not None:
            assert isinstance(value, str | int | float)
            self._counts[value] += 1

    def remove(self, value: object) -> None:
        if value is not None:
            self._counts[value] -= 1
            if not self._counts[value]:
                del self._counts[value]


_AGGREGATES: Mapping[str, type[_Count | _Sum | _Average | _Minimum | _Maximum | _DistinctCount]] = {
    "COUNT": _Count,
    "SUM": _Sum,
    "AVG": _Average,
    "MIN": _Minimum,
    "MAX": _Maximum,
    "DISTINCT_COUNT": _DistinctCount,
}
