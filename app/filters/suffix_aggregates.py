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
from app.filters.aggregates import Aggregate, equality_key
from app.filters.values import MAX_INT64, MIN_INT64

Number = int | float

# Sums of numbers between these stay exact without integers of thousands of bits.
_MIN_EXACT_MAGNITUDE, _MAX_EXACT_MAGNITUDE = 2.0**-300, 2.0**900
_MAX_PENDING_DELTAS = 64
# More than two roundings of a double may change a number by, as a part of it.
_RELATIVE_ROUNDING_ERROR = 2.0**-50


class SuffixAggregate(ABC):
    """What is kept of a series of instants, in milliseconds and in order, each with its value."""

    def __init__(self) -> None:
        # How many values only `Aggregate.of` can add up or compare exactly.
        self.inexact_count = 0

    @property
    def is_monotone(self) -> bool:
        """Whether the answer only ever moves in one direction while rows leave at the start."""
        return True

    def bounds(self, first_index: int, start_ms: int) -> tuple[Number, Number] | None:
        """Between which values the answer stays until the last row has left; None where that is not
        known."""
        return None

    @abstractmethod
    def clear(self) -> None:
        """Forgets every row."""

    @abstractmethod
    def insert(self, index: int, instant_ms: int, value: object) -> None:
        """Takes in a row at its index among those that are there."""

    def extend(
        self, first_index: int, instants_ms: Sequence[int], values: Sequence[object]
    ) -> None:
        """Takes in rows at the end, `first` of which has this index."""
        for index, (instant_ms, value) in enumerate(
            zip(instants_ms, values, strict=True), first_index
        ):
            self.insert(index, instant_ms, value)

    @abstractmethod
    def remove(self, index: int, instant_ms: int, value: object) -> bool:
        """Takes out a row. False where the aggregate must be built again instead."""

    @abstractmethod
    def suffix_value(self, first_index: int, start_ms: int) -> Number | None:
        """The aggregate of the rows from an index on, which are those after the instant `start`;
        None where it is missing."""


class Count(SuffixAggregate):
    """The number of rows."""

    def __init__(self) -> None:
        super().__init__()
        self._row_count = 0

    def clear(self) -> None:
        self._row_count = 0

    def insert(self, index: int, instant_ms: int, value: object) -> None:
        self._row_count += 1

    def extend(
        self, first_index: int, instants_ms: Sequence[int], values: Sequence[object]
    ) -> None:
        self._row_count += len(values)

    def remove(self, index: int, instant_ms: int, value: object) -> bool:
        self._row_count -= 1
        return True

    def suffix_value(self, first_index: int, start_ms: int) -> int:
        return self._row_count - first_index


class _Delta(NamedTuple):
    """What a row adds, at its instant; of a row that was removed, what it takes away."""

    instant_ms: int
    units: int
    float_count: int
    row_count: int


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
        self.inexact_count = 0
        self._exponent = 0
        self._negative_count = self._positive_count = 0
        self._pending_deltas: list[_Delta] = []
        self._build_prefix_sums([])

    def _build_prefix_sums(self, deltas: Sequence[_Delta]) -> None:
        """Makes the prefix sums of points in the order of time."""
        self._instants_ms = array("q", (point.instant_ms for point in deltas))
        self._unit_sums = [*accumulate((point.units for point in deltas), initial=0)]
        self._float_counts = array(
            "q", accumulate((point.float_count for point in deltas), initial=0)
        )
        self._row_counts = array("q", accumulate((point.row_count for point in deltas), initial=0))

    @property
    def is_monotone(self) -> bool:
        return not (self._negative_count and self._positive_count) and not self.inexact_count

    def insert(self, index: int, instant_ms: int, value: object) -> None:
        self._count_value(value, 1)
        units, is_float = self._to_units(value), isinstance(value, float)
        if self._instants_ms and instant_ms < self._instants_ms[-1]:
            self._add_pending(_Delta(instant_ms, units, is_float, 1))
            return
        self._instants_ms.append(instant_ms)
        self._unit_sums.append(self._unit_sums[-1] + units)
        self._float_counts.append(self._float_counts[-1] + is_float)
        self._row_counts.append(self._row_counts[-1] + 1)

    def extend(
        self, first_index: int, instants_ms: Sequence[int], values: Sequence[object]
    ) -> None:
        if not all(value.__class__ is int for value in values):
            for index, (instant_ms, value) in enumerate(
                zip(instants_ms, values, strict=True), first_index
            ):
                Sum.insert(self, index, instant_ms, value)
            return
        integers: list[int] = values  # type: ignore[assignment]
        self._negative_count += sum(value < 0 for value in integers)
        self._positive_count += sum(value > 0 for value in integers)
        units = (value << self._exponent for value in integers)
        self._instants_ms.extend(instants_ms)
        self._unit_sums += islice(accumulate(units, initial=self._unit_sums[-1]), 1, None)
        self._float_counts.extend(repeat(self._float_counts[-1], len(integers)))
        self._row_counts.extend(
            range(self._row_counts[-1] + 1, self._row_counts[-1] + 1 + len(integers))
        )

    def remove(self, index: int, instant_ms: int, value: object) -> bool:
        self._count_value(value, -1)
        self._add_pending(_Delta(instant_ms, -self._to_units(value), -isinstance(value, float), -1))
        return True

    def _add_pending(self, delta: _Delta) -> None:
        self._pending_deltas.append(delta)
        if len(self._pending_deltas) > _MAX_PENDING_DELTAS:
            deltas = sorted([*self._deltas(), *self._pending_deltas])
            self._pending_deltas.clear()
            by_instant = (
                _merge_deltas(group) for _, group in groupby(deltas, key=attrgetter("instant_ms"))
            )
            # What was removed is gone together with what it takes away.
            self._build_prefix_sums([delta for delta in by_instant if any(delta[1:])])

    def _deltas(self) -> Iterator[_Delta]:
        """What each of the prefix sums adds to the one before."""
        prefix_sums = zip(self._unit_sums, self._float_counts, self._row_counts, strict=True)
        for instant_ms, (before, after) in zip(
            self._instants_ms, pairwise(prefix_sums), strict=True
        ):
            yield _Delta(instant_ms, *(b - a for a, b in zip(before, after, strict=True)))

    def _count_value(self, value: object, count_change: int) -> None:
        assert isinstance(value, Number)
        self._negative_count += count_change if value < 0 else 0
        self._positive_count += count_change if value > 0 else 0
        self.inexact_count += 0 if _is_exact(value) else count_change

    def _to_units(self, value: object) -> int:
        assert isinstance(value, Number)
        if not _is_exact(value):
            return 0
        numerator, denominator = value.as_integer_ratio()
        exponent = denominator.bit_length() - 1
        if exponent > self._exponent:
            shift, self._exponent = exponent - self._exponent, exponent
            self._unit_sums = [units << shift for units in self._unit_sums]
            self._pending_deltas = [
                point._replace(units=point.units << shift) for point in self._pending_deltas
            ]
        return numerator << (self._exponent - exponent)

    def suffix_value(self, first_index: int, start_ms: int) -> Number | None:
        return self._round_total(self._suffix_total(start_ms))

    def _suffix_total(self, start_ms: int) -> _Delta:
        """All points after an instant together."""
        index = bisect_right(self._instants_ms, start_ms)
        units = self._unit_sums[-1] - self._unit_sums[index]
        float_count = self._float_counts[-1] - self._float_counts[index]
        row_count = self._row_counts[-1] - self._row_counts[index]
        for delta in self._pending_deltas:
            if delta.instant_ms > start_ms:
                units, float_count, row_count = (
                    units + delta.units,
                    float_count + delta.float_count,
                    row_count + delta.row_count,
                )
        return _Delta(start_ms, units, float_count, row_count)

    def _round_total(self, total: _Delta) -> Number:
        if total.float_count:
            return total.units / (1 << self._exponent)
        integer_sum = total.units >> self._exponent
        return integer_sum if MIN_INT64 <= integer_sum <= MAX_INT64 else float(integer_sum)


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
        self.inexact_count = 0
        self._stack_instants_ms = array("q")
        self._stack_values: list[Number] = []

    @property
    def is_monotone(self) -> bool:
        return not self.inexact_count

    def insert(self, index: int, instant_ms: int, value: object) -> None:
        assert isinstance(value, Number)
        if not math.isfinite(value):
            self.inexact_count += 1
            return
        signed_value = self._sign * value
        stack_index = bisect_left(self._stack_instants_ms, instant_ms)
        if (
            stack_index < len(self._stack_values)
            and self._stack_values[stack_index] <= signed_value
        ):
            return
        end_index = bisect_right(self._stack_instants_ms, instant_ms, lo=stack_index)
        first_index = end_index
        while first_index and self._stack_values[first_index - 1] >= signed_value:
            first_index -= 1
        self._stack_instants_ms[first_index:end_index] = array("q", [instant_ms])
        self._stack_values[first_index:end_index] = [signed_value]

    def extend(
        self, first_index: int, instants_ms: Sequence[int], values: Sequence[object]
    ) -> None:
        finite_rows = [
            (instant, value)
            for instant, value in zip(instants_ms, values, strict=True)
            if isinstance(value, Number) and math.isfinite(value)
        ]
        self.inexact_count += len(values) - len(finite_rows)
        # From the last row back, those stand that are less than all after them.
        least: Number = math.inf
        new_stack: list[tuple[int, Number]] = []
        for instant, value in reversed(finite_rows):
            signed_value = self._sign * value
            if signed_value < least:
                new_stack.append((instant, signed_value))
                least = signed_value
        while self._stack_values and self._stack_values[-1] >= least:
            self._stack_values.pop()
            self._stack_instants_ms.pop()
        self._stack_instants_ms.extend(instant for instant, _ in reversed(new_stack))
        self._stack_values += (signed_value for _, signed_value in reversed(new_stack))

    def remove(self, index: int, instant_ms: int, value: object) -> bool:
        assert isinstance(value, Number)
        if not math.isfinite(value):
            self.inexact_count -= 1
            return True
        stack_index = bisect_left(self._stack_instants_ms, instant_ms)
        return (
            stack_index == len(self._stack_instants_ms)
            or self._stack_instants_ms[stack_index] != instant_ms
        )

    def suffix_value(self, first_index: int, start_ms: int) -> Number | None:
        stack_index = bisect_right(self._stack_instants_ms, start_ms)
        return (
            self._sign * self._stack_values[stack_index]
            if stack_index < len(self._stack_values)
            else None
        )


class Maximum(Minimum):
    """The greatest number of each suffix."""

    _sign = -1


class Average(Sum):
    """Means of numbers. They are not monotone, and lie between the least and the greatest."""

    def __init__(self) -> None:
        self._extremes = Minimum(), Maximum()
        super().__init__()

    @property
    def is_monotone(self) -> bool:
        return False

    def clear(self) -> None:
        super().clear()
        for extreme in self._extremes:
            extreme.clear()

    def insert(self, index: int, instant_ms: int, value: object) -> None:
        super().insert(index, instant_ms, value)
        for extreme in self._extremes:
            extreme.insert(index, instant_ms, value)

    def extend(
        self, first_index: int, instants_ms: Sequence[int], values: Sequence[object]
    ) -> None:
        super().extend(first_index, instants_ms, values)
        for extreme in self._extremes:
            extreme.extend(first_index, instants_ms, values)

    def remove(self, index: int, instant_ms: int, value: object) -> bool:
        # All of them, whatever one says.
        are_removed = [extreme.remove(index, instant_ms, value) for extreme in self._extremes]
        return super().remove(index, instant_ms, value) and all(are_removed)

    def suffix_value(self, first_index: int, start_ms: int) -> float | None:
        total = self._suffix_total(start_ms)
        return float(self._round_total(total)) / total.row_count if total.row_count else None

    def bounds(self, first_index: int, start_ms: int) -> tuple[Number, Number] | None:
        least, greatest = (
            extreme.suffix_value(first_index, start_ms) for extreme in self._extremes
        )
        if least is None or greatest is None:
            return None
        # Rounding may take a mean a little beyond: that of three times 0.1 is more than 0.1.
        return least - abs(least) * _RELATIVE_ROUNDING_ERROR, greatest + abs(
            greatest
        ) * _RELATIVE_ROUNDING_ERROR


class DistinctCount(SuffixAggregate):
    """How many different values there are: in a suffix are those whose last row is in it."""

    def __init__(self) -> None:
        super().__init__()
        self.clear()

    def clear(self) -> None:
        self._last_instants_ms: dict[object, int] = {}
        self._sorted_instants_ms = array("q")

    def insert(self, index: int, instant_ms: int, value: object) -> None:
        key = equality_key(value)
        previous_instant_ms = self._last_instants_ms.get(key)
        if previous_instant_ms is not None:
            if previous_instant_ms >= instant_ms:
                return
            del self._sorted_instants_ms[bisect_left(self._sorted_instants_ms, previous_instant_ms)]
        self._last_instants_ms[key] = instant_ms
        if not self._sorted_instants_ms or instant_ms >= self._sorted_instants_ms[-1]:
            self._sorted_instants_ms.append(instant_ms)
        else:
            insort(self._sorted_instants_ms, instant_ms)

    def extend(
        self, first_index: int, instants_ms: Sequence[int], values: Sequence[object]
    ) -> None:
        last_instants_ms = dict(zip(map(equality_key, values), instants_ms, strict=True))
        self._last_instants_ms |= last_instants_ms
        self._sorted_instants_ms = array("q", sorted(self._last_instants_ms.values()))

    def remove(self, index: int, instant_ms: int, value: object) -> bool:
        return self._last_instants_ms[equality_key(value)] != instant_ms

    def suffix_value(self, first_index: int, start_ms: int) -> int:
        return len(self._sorted_instants_ms) - bisect_right(self._sorted_instants_ms, start_ms)


SUFFIX_AGGREGATE_CLASSES: dict[Aggregate | None, type[SuffixAggregate]] = {
    None: Count,
    aggregates.SUM: Sum,
    aggregates.AVG: Average,
    aggregates.MIN: Minimum,
    aggregates.MAX: Maximum,
    aggregates.DISTINCT_COUNT: DistinctCount,
}


def _merge_deltas(deltas: Iterable[_Delta]) -> _Delta:
    """The sum of points at one instant."""
    instants_ms, units, float_counts, row_counts = zip(*deltas, strict=True)
    return _Delta(instants_ms[0], sum(units), sum(float_counts), sum(row_counts))


def _is_exact(value: Number) -> bool:
    return (
        value.__class__ is int
        or value == 0
        or _MIN_EXACT_MAGNITUDE <= abs(value) < _MAX_EXACT_MAGNITUDE
    )


def recompute(
    aggregate: Aggregate | None, values: Sequence[object], first_index: int
) -> Number | None:
    """The aggregate of the values from an index on, added up anew."""
    if aggregate is None:
        return len(values) - first_index
    return aggregate.compute(islice(values, first_index, None))
