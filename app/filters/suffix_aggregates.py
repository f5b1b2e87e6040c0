"""Aggregates of a time series over any sliding window that ends now.

The rows in such a window are a suffix of the series: the rows after some instant. Each class keeps
a structure that answers for every suffix in O(log n), so that a hundred windows of different
lengths need no more memory than one. Appending a row costs amortised O(1).
"""

import math
from array import array
from bisect import bisect_left, bisect_right, insort
from collections.abc import Sequence
from itertools import islice

from app.filters import aggregates
from app.filters.aggregates import Aggregate, equality_key
from app.filters.suffix_aggregate_base import Number, SuffixAggregate
from app.filters.suffix_sums import Sum

# An upper bound of the relative error of two roundings of a double.
_RELATIVE_ROUNDING_ERROR = 2.0**-50


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


class Minimum(SuffixAggregate):
    """The minimum of each suffix, by a monotonic stack.

    The stack has the rows without a later row of the same or a smaller value. Instants and values
    both rise along it, and the minimum of a suffix is its first row after the suffix starts.
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
            (instant_ms, value)
            for instant_ms, value in zip(instants_ms, values, strict=True)
            if isinstance(value, Number) and math.isfinite(value)
        ]
        self.inexact_count += len(values) - len(finite_rows)
        # A row belongs on the stack if it is smaller than all rows after it.
        minimum: Number = math.inf
        new_stack: list[tuple[int, Number]] = []
        for instant_ms, value in reversed(finite_rows):
            signed_value = self._sign * value
            if signed_value < minimum:
                new_stack.append((instant_ms, signed_value))
                minimum = signed_value
        while self._stack_values and self._stack_values[-1] >= minimum:
            self._stack_values.pop()
            self._stack_instants_ms.pop()
        self._stack_instants_ms.extend(instant_ms for instant_ms, _ in reversed(new_stack))
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
    """The maximum of each suffix."""

    _sign = -1


class Average(Sum):
    """The mean of each suffix. It is not monotone, but lies between minimum and maximum."""

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
        # A list, not a generator: every extreme must remove the row, even if one returns False.
        are_removed = [extreme.remove(index, instant_ms, value) for extreme in self._extremes]
        return super().remove(index, instant_ms, value) and all(are_removed)

    def suffix_value(self, first_index: int, start_ms: int) -> float | None:
        total = self._suffix_total(start_ms)
        return float(self._round_total(total)) / total.row_count if total.row_count else None

    def bounds(self, first_index: int, start_ms: int) -> tuple[Number, Number] | None:
        minimum, maximum = (
            extreme.suffix_value(first_index, start_ms) for extreme in self._extremes
        )
        if minimum is None or maximum is None:
            return None
        # A rounded mean may lie slightly outside: the mean of three times 0.1 is more than 0.1.
        return (
            minimum - abs(minimum) * _RELATIVE_ROUNDING_ERROR,
            maximum + abs(maximum) * _RELATIVE_ROUNDING_ERROR,
        )


class DistinctCount(SuffixAggregate):
    """The number of distinct values of each suffix.

    A value is in the suffix if the last row with it is.
    """

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


def recompute(
    aggregate: Aggregate | None, values: Sequence[object], first_index: int
) -> Number | None:
    """The aggregate of the values from an index on, computed by the evaluator's aggregate."""
    if aggregate is None:
        return len(values) - first_index
    return aggregate.compute(islice(values, first_index, None))
