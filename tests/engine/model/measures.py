"""Measures of one customer's events, kept row by row.

The judge's own: of the program it uses no more than how a condition reads one row. A row costs
log n, so that customers with tens of thousands of events can be judged.
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
from app.filters.evaluate import asked
from app.filters.tree import Last, Measure, Range

Row = Mapping[str, Any]
Number = int | float


class _Entry:
    """A row that passes every `where`; from when until when it lies in the window."""

    __slots__ = ("end", "is_in", "is_there", "start", "value")

    def __init__(self, value: object) -> None:
        self.value = value
        self.start: datetime | None = None
        self.end: datetime | None = None
        self.is_in = False
        self.is_there = True


class RunningMeasure:
    """What a measure comes to as rows come and go and time passes."""

    def __init__(self, measure: Measure, calendar: Calendar) -> None:
        if any(where.operator.follows_clock for where in measure.where):
            raise NotImplementedError("a condition on events that follows the clock")
        self._measure = measure
        self._calendar = calendar
        self._entries: dict[object, _Entry] = {}
        self._due: list[tuple[datetime, int, _Entry]] = []
        self._ticket = count()
        function = measure.aggregate.name if measure.aggregate else "COUNT"
        self._total = _TOTALS[function]()

    @property
    def value(self) -> Number | None:
        return self._total.value

    @property
    def next_change(self) -> datetime | None:
        """The next instant at which a row enters or leaves the window."""
        while self._due and not self._due[0][2].is_there:
            heappop(self._due)
        return self._due[0][0] if self._due else None

    def advance(self, now: datetime) -> None:
        """Time passes until now."""
        while self._due and self._due[0][0] <= now:
            at, _, entry = heappop(self._due)
            if entry.is_there:
                self._place(entry, is_in=at != entry.end)

    def put(self, key: object, row: Row, now: datetime) -> None:
        """The row is there from now on."""
        self.drop(key)
        measure, at = self._measure, row["at"]
        for where in measure.where:
            stored = where.field.read(row)
            if not asked(where.operator, stored, where.operand, Now(now, self._calendar)):
                return
        entry = _Entry(measure.property.read(row) if measure.property else None)
        match measure.window:
            case None:
                is_in = True
            case Range(start, end):
                is_in = start <= at <= end
            case Last(length):
                entry.start, entry.end = at, at + length
                is_in = entry.start <= now < entry.end
                for instant in (entry.start, entry.end):
                    if instant > now:
                        heappush(self._due, (instant, next(self._ticket), entry))
        self._entries[key] = entry
        self._place(entry, is_in=is_in)

    def drop(self, key: object) -> None:
        """The row is there no longer, if it was."""
        if entry := self._entries.pop(key, None):
            self._place(entry, is_in=False)
            entry.is_there = False

    def _place(self, entry: _Entry, *, is_in: bool) -> None:
        if entry.is_in != is_in:
            entry.is_in = is_in
            (self._total.add if is_in else self._total.remove)(entry.value)


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


class _Numbers:
    """The base of what only numbers count for."""

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


class _Sum(_Numbers):
    @property
    def value(self) -> Number | None:
        return float(self._sum) if self._floats else int(self._sum)


class _Average(_Numbers):
    @property
    def value(self) -> Number | None:
        return float(self._sum) / len(self._sorted) if self._sorted else None


class _Minimum(_Numbers):
    @property
    def value(self) -> Number | None:
        return self._sorted[0] if self._sorted else None


class _Maximum(_Numbers):
    @property
    def value(self) -> Number | None:
        return self._sorted[-1] if self._sorted else None


class _Distinct:
    """Of texts and numbers; the model's events have no other values."""

    def __init__(self) -> None:
        self._each: Counter[object] = Counter()

    @property
    def value(self) -> Number | None:
        return len(self._each)

    def add(self, value: object) -> None:
        if value is not None:
            assert isinstance(value, str | int | float)
            self._each[value] += 1

    def remove(self, value: object) -> None:
        if value is not None:
            self._each[value] -= 1
            if not self._each[value]:
                del self._each[value]


_TOTALS: Mapping[str, type[_Count | _Sum | _Average | _Minimum | _Maximum | _Distinct]] = {
    "COUNT": _Count,
    "SUM": _Sum,
    "AVG": _Average,
    "MIN": _Minimum,
    "MAX": _Maximum,
    "DISTINCT_COUNT": _Distinct,
}
