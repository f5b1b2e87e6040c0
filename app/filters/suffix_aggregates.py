"""Aggregates of a time series that answer for every sliding window at once.

A sliding window that ends now holds a suffix of the series: the rows after some instant. Each class
here keeps just enough to answer for any suffix in O(log n), so that a hundred windows of different
lengths cost no more memory than one. A new latest row costs O(1) amortised.
"""

import math
from abc import ABC, abstractmethod
from array import array
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, groupby, islice, pairwise, repeat
from operator import attrgetter
from typing import NamedTuple

from app.filters import aggregates
from app.filters.aggregates import Aggregate, identity
from app.filters.values import LARGEST_LONG, SMALLEST_LONG

Number = int | float

# Sums of numbers between these stay exact without integers of thousands of bits.
_SMALLEST_SAFE, _LARGEST_SAFE = 2.0**-300, 2.0**900
_MAX_LATE = 64
# More than two roundings of a double may change a number by, as a part of it.
_ROUNDING = 2.0**-50


class SuffixAggregate(ABC):
    """What is kept of a series of instants, in milliseconds and in order, each with its value."""

    def __init__(self) -> None:
        # How many values only `Aggregate.of` can add up or compare exactly.
        self.unsafe = 0

    @property
    def is_monotone(self) -> bool:
        """Whether the answer only ever moves in one direction while rows leave at the start."""
        return True

    def bounds(self, first: int, start: int) -> tuple[Number, Number] | None:
        """Between which values the answer stays until the last row has left; None where that is not
        known."""
        return None

    @abstractmethod
    def clear(self) -> None:
        """Forgets every row."""

    @abstractmethod
    def insert(self, index: int, instant: int, value: object) -> None:
        """Takes in a row at its index among those that are there."""

    def extend(self, first: int, instants: Sequence[int], values: Sequence[object]) -> None:
        """Takes in rows at the end, `first` of which has this index."""
        for index, (instant, value) in enumerate(zip(instants, values, strict=True), first):
            self.insert(index, instant, value)

    @abstractmethod
    def remove(self, index: int, instant: int, value: object) -> bool:
        """Takes out a row. False where the aggregate must be built again instead."""

    @abstractmethod
    def over(self, first: int, start: int) -> Number | None:
        """The aggregate of the rows from an index on, which are those after the instant `start`;
        None where it is missing."""


class Count(SuffixAggregate):
    """The number of rows."""

    def __init__(self) -> None:
        super().__init__()
        self._length = 0

    def clear(self) -> None:
        self._length = 0

    def insert(self, index: int, instant: int, value: object) -> None:
        self._length += 1

    def extend(self, first: int, instants: Sequence[int], values: Sequence[object]) -> None:
        self._length += len(values)

    def remove(self, index: int, instant: int, value: object) -> bool:
        self._length -= 1
        return True

    def over(self, first: int, start: int) -> int:
        return self._length - first


class _Point(NamedTuple):
    """What a row adds, at its instant; of a row that was removed, what it takes away."""

    instant: int
    units: int
    floats: int
    rows: int


class Sum(SuffixAggregate):
    """Sums of numbers as differences of prefix sums.

    These are exact integers in units of a power of two, rounded once at the end: the same answer as
    `math.fsum` gives. Rows that come late, or are removed, wait beside the prefix sums until there
    are so many that these are made again.
    """

    def __init__(self) -> None:
        super().__init__()
        self.clear()

    def clear(self) -> None:
        self.unsafe = 0
        self._exponent = 0
        self._negative = self._positive = 0
        self._late: list[_Point] = []
        self._lay_out([])

    def _lay_out(self, points: Sequence[_Point]) -> None:
        """Makes the prefix sums of points in the order of time."""
        self._instants = array("q", (point.instant for point in points))
        self._units = [*accumulate((point.units for point in points), initial=0)]
        self._floats = array("q", accumulate((point.floats for point in points), initial=0))
        self._rows = array("q", accumulate((point.rows for point in points), initial=0))

    @property
    def is_monotone(self) -> bool:
        return not (self._negative and self._positive) and not self.unsafe

    def insert(self, index: int, instant: int, value: object) -> None:
        self._count(value, 1)
        units, is_float = self._in_units(value), isinstance(value, float)
        if self._instants and instant < self._instants[-1]:
            self._wait(_Point(instant, units, is_float, 1))
            return
        self._instants.append(instant)
        self._units.append(self._units[-1] + units)
        self._floats.append(self._floats[-1] + is_float)
        self._rows.append(self._rows[-1] + 1)

    def extend(self, first: int, instants: Sequence[int], values: Sequence[object]) -> None:
        if not all(value.__class__ is int for value in values):
            for index, (instant, value) in enumerate(zip(instants, values, strict=True), first):
                Sum.insert(self, index, instant, value)
            return
        whole: list[int] = values  # type: ignore[assignment]
        self._negative += sum(value < 0 for value in whole)
        self._positive += sum(value > 0 for value in whole)
        units = (value << self._exponent for value in whole)
        self._instants.extend(instants)
        self._units += islice(accumulate(units, initial=self._units[-1]), 1, None)
        self._floats.extend(repeat(self._floats[-1], len(whole)))
        self._rows.extend(range(self._rows[-1] + 1, self._rows[-1] + 1 + len(whole)))

    def remove(self, index: int, instant: int, value: object) -> bool:
        self._count(value, -1)
        self._wait(_Point(instant, -self._in_units(value), -isinstance(value, float), -1))
        return True

    def _wait(self, point: _Point) -> None:
        self._late.append(point)
        if len(self._late) > _MAX_LATE:
            points = sorted([*self._points(), *self._late])
            self._late.clear()
            by_instant = (
                _together(group) for _, group in groupby(points, key=attrgetter("instant"))
            )
            # What was removed is gone together with what it takes away.
            self._lay_out([point for point in by_instant if any(point[1:])])

    def _points(self) -> Iterator[_Point]:
        """What each of the prefix sums adds to the one before."""
        sums = zip(self._units, self._floats, self._rows, strict=True)
        for instant, (before, after) in zip(self._instants, pairwise(sums), strict=True):
            yield _Point(instant, *(b - a for a, b in zip(before, after, strict=True)))

    def _count(self, value: object, by: int) -> None:
        assert isinstance(value, Number)
        self._negative += by if value < 0 else 0
        self._positive += by if value > 0 else 0
        self.unsafe += 0 if _is_safe(value) else by

    def _in_units(self, value: object) -> int:
        assert isinstance(value, Number)
        if not _is_safe(value):
            return 0
        numerator, denominator = value.as_integer_ratio()
        exponent = denominator.bit_length() - 1
        if exponent > self._exponent:
            by, self._exponent = exponent - self._exponent, exponent
            self._units = [units << by for units in self._units]
            self._late = [point._replace(units=point.units << by) for point in self._late]
        return numerator << (self._exponent - exponent)

    def over(self, first: int, start: int) -> Number | None:
        return self._sum(self._total(start))

    def _total(self, start: int) -> _Point:
        """All points after an instant together."""
        index = bisect_right(self._instants, start)
        units = self._units[-1] - self._units[index]
        floats = self._floats[-1] - self._floats[index]
        rows = self._rows[-1] - self._rows[index]
        for point in self._late:
            if point.instant > start:
                units, floats, rows = units + point.units, floats + point.floats, rows + point.rows
        return _Point(start, units, floats, rows)

    def _sum(self, total: _Point) -> Number:
        if total.floats:
            return total.units / (1 << self._exponent)
        whole = total.units >> self._exponent
        return whole if SMALLEST_LONG <= whole <= LARGEST_LONG else float(whole)


class Minimum(SuffixAggregate):
    """The least number of each suffix: a monotonic stack.

    A row stands on it as long as no later one is as small, so that along the stack the instants and
    the values both rise, and the least of a suffix is the first that stands after its start.
    """

    _sign = 1

    def __init__(self) -> None:
        super().__init__()
        self.clear()

    def clear(self) -> None:
        self.unsafe = 0
        self._instants = array("q")
        self._values: list[Number] = []

    @property
    def is_monotone(self) -> bool:
        return not self.unsafe

    def insert(self, index: int, instant: int, value: object) -> None:
        assert isinstance(value, Number)
        if not math.isfinite(value):
            self.unsafe += 1
            return
        key = self._sign * value
        place = bisect_left(self._instants, instant)
        if place < len(self._values) and self._values[place] <= key:
            return
        last = bisect_right(self._instants, instant, lo=place)
        first = last
        while first and self._values[first - 1] >= key:
            first -= 1
        self._instants[first:last] = array("q", [instant])
        self._values[first:last] = [key]

    def extend(self, first: int, instants: Sequence[int], values: Sequence[object]) -> None:
        finite = [
            (instant, value)
            for instant, value in zip(instants, values, strict=True)
            if isinstance(value, Number) and math.isfinite(value)
        ]
        self.unsafe += len(values) - len(finite)
        # From the last row back, those stand that are less than all after them.
        best: Number = math.inf
        standing: list[tuple[int, Number]] = []
        for instant, value in reversed(finite):
            key = self._sign * value
            if key < best:
                standing.append((instant, key))
                best = key
        while self._values and self._values[-1] >= best:
            self._values.pop()
            self._instants.pop()
        self._instants.extend(instant for instant, _ in reversed(standing))
        self._values += (key for _, key in reversed(standing))

    def remove(self, index: int, instant: int, value: object) -> bool:
        assert isinstance(value, Number)
        if not math.isfinite(value):
            self.unsafe -= 1
            return True
        place = bisect_left(self._instants, instant)
        return place == len(self._instants) or self._instants[place] != instant

    def over(self, first: int, start: int) -> Number | None:
        place = bisect_right(self._instants, start)
        return self._sign * self._values[place] if place < len(self._values) else None


class Maximum(Minimum):
    """The greatest number of each suffix."""

    _sign = -1


class Average(Sum):
    """Means of numbers. They are not monotone, and lie between the least and the greatest."""

    def __init__(self) -> None:
        self._bounds = Minimum(), Maximum()
        super().__init__()

    @property
    def is_monotone(self) -> bool:
        return False

    def clear(self) -> None:
        super().clear()
        for bound in self._bounds:
            bound.clear()

    def insert(self, index: int, instant: int, value: object) -> None:
        super().insert(index, instant, value)
        for bound in self._bounds:
            bound.insert(index, instant, value)

    def extend(self, first: int, instants: Sequence[int], values: Sequence[object]) -> None:
        super().extend(first, instants, values)
        for bound in self._bounds:
            bound.extend(first, instants, values)

    def remove(self, index: int, instant: int, value: object) -> bool:
        # All of them, whatever one says.
        removed = [bound.remove(index, instant, value) for bound in self._bounds]
        return super().remove(index, instant, value) and all(removed)

    def over(self, first: int, start: int) -> float | None:
        total = self._total(start)
        return float(self._sum(total)) / total.rows if total.rows else None

    def bounds(self, first: int, start: int) -> tuple[Number, Number] | None:
        least, greatest = (bound.over(first, start) for bound in self._bounds)
        if least is None or greatest is None:
            return None
        # Rounding may take a mean a little beyond: that of three times 0.1 is more than 0.1.
        return least - abs(least) * _ROUNDING, greatest + abs(greatest) * _ROUNDING


class DistinctCount(SuffixAggregate):
    """How many different values there are: in a suffix are those whose last row is in it."""

    def __init__(self) -> None:
        super().__init__()
        self.clear()

    def clear(self) -> None:
        self._last: dict[object, int] = {}
        self._instants = array("q")

    def insert(self, index: int, instant: int, value: object) -> None:
        key = identity(value)
        before = self._last.get(key)
        if before is not None:
            if before >= instant:
                return
            del self._instants[bisect_left(self._instants, before)]
        self._last[key] = instant
        if not self._instants or instant >= self._instants[-1]:
            self._instants.append(instant)
        else:
            insort(self._instants, instant)

    def extend(self, first: int, instants: Sequence[int], values: Sequence[object]) -> None:
        latest = dict(zip(map(identity, values), instants, strict=True))
        self._last |= latest
        self._instants = array("q", sorted(self._last.values()))

    def remove(self, index: int, instant: int, value: object) -> bool:
        return self._last[identity(value)] != instant

    def over(self, first: int, start: int) -> int:
        return len(self._instants) - bisect_right(self._instants, start)


SUFFIX_AGGREGATES: dict[Aggregate | None, type[SuffixAggregate]] = {
    None: Count,
    aggregates.SUM: Sum,
    aggregates.AVG: Average,
    aggregates.MIN: Minimum,
    aggregates.MAX: Maximum,
    aggregates.DISTINCT_COUNT: DistinctCount,
}


def _together(points: Iterable[_Point]) -> _Point:
    """The sum of points at one instant."""
    instants, units, floats, rows = zip(*points, strict=True)
    return _Point(instants[0], sum(units), sum(floats), sum(rows))


def _is_safe(value: Number) -> bool:
    return value.__class__ is int or value == 0 or _SMALLEST_SAFE <= abs(value) < _LARGEST_SAFE


def of_rows(aggregate: Aggregate | None, values: Sequence[object], first: int) -> Number | None:
    """The aggregate of the values from an index on, added up anew."""
    if aggregate is None:
        return len(values) - first
    return aggregate.of(islice(values, first, None))
