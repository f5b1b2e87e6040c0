"""Incremental aggregates: the value of a measure after each row that enters or leaves it.

The values equal those of `Aggregate.compute`. Adding or removing a value costs O(1), for minimum
and maximum O(log n). Sums are exact integers in units of the smallest positive double, rounded
once at the end, which gives the result of `math.fsum`.
"""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from heapq import heappop, heappush
from itertools import compress
from typing import Any

from app.errors import UserErrorCode, input_error
from app.filters import aggregates
from app.filters.aggregates import Aggregate, equality_key, is_missing
from app.filters.fields import is_number
from app.filters.tree import Measure
from app.filters.values import MAX_INT64, MIN_INT64

# The total of values that one search may recompute if an incremental sum is not exact.
MAX_RECOMPUTED_VALUES = 5_000_000
# One unit is the smallest positive double, 2 ** -1074.
_SMALLEST_DOUBLE_EXPONENT = 1_074
_UNITS_PER_ONE = 1 << _SMALLEST_DOUBLE_EXPONENT
# Up to this total of positive and of negative numbers no partial sum overflows a double.
_MAX_EXACT_UNITS = ((1 << 1_024) - (1 << 974)) * _UNITS_PER_ONE


def require_few_recomputed(recomputed_values: int) -> None:
    """Raises FILTER_TOO_COMPLEX if a search has recomputed too many values."""
    if recomputed_values > MAX_RECOMPUTED_VALUES:
        message = "The sum over so many events exceeds the range of numbers; store smaller amounts."
        raise input_error(UserErrorCode.FILTER_TOO_COMPLEX, message)


class IncrementalMeasure:
    """A measure over a fixed list of rows, each of which can be included and excluded.

    `included` says for each row whether the measure includes it at first.
    """

    def __init__(
        self, measure: Measure, rows: Sequence[Mapping[str, Any]], included: Sequence[bool]
    ) -> None:
        property_field = measure.property
        self._values = [property_field.read(row) if property_field else None for row in rows]
        self._included = list(included)
        self._aggregate = measure.aggregate
        self._incremental_aggregate = _INCREMENTAL_AGGREGATES[measure.aggregate]()
        self._recomputed_values = 0
        for value, is_included in zip(self._values, self._included, strict=True):
            if is_included:
                self._incremental_aggregate.add(value)

    def toggle(self, index: int) -> None:
        """Includes the row at an index, or excludes it if it was included."""
        self._included[index] = not self._included[index]
        update = (
            self._incremental_aggregate.add
            if self._included[index]
            else self._incremental_aggregate.remove
        )
        update(self._values[index])

    @property
    def value(self) -> int | float | None:
        """The value of the measure; None if it is missing.

        Raises FILTER_TOO_COMPLEX if inexact sums need too much recomputation.
        """
        if self._incremental_aggregate.is_exact or self._aggregate is None:
            return self._incremental_aggregate.value
        self._recomputed_values += len(self._values)
        require_few_recomputed(self._recomputed_values)
        return self._aggregate.compute(compress(self._values, self._included))


class IncrementalAggregate:
    """The count of values, and the base class of the other incremental aggregates."""

    def __init__(self) -> None:
        self.count = 0

    @property
    def is_exact(self) -> bool:
        """Whether `value` is exact.

        With numbers that are not finite, or so large that the order of addition matters, only
        `Aggregate.compute` gives the right value.
        """
        return True

    @property
    def value(self) -> int | float | None:
        return self.count

    def add(self, value: object) -> None:
        self._update(value, 1)

    def remove(self, value: object) -> None:
        """Removes one value that was added."""
        self._update(value, -1)

    def _update(self, value: object, count_change: int) -> None:
        self.count += count_change


class _NumberAggregate(IncrementalAggregate):
    """Aggregates the numeric values; those that are not finite are only counted."""

    def __init__(self) -> None:
        super().__init__()
        self._non_finite_count = 0

    @property
    def is_exact(self) -> bool:
        return not self._non_finite_count

    def _update(self, value: object, count_change: int) -> None:
        if not is_number(value):
            return
        assert isinstance(value, int | float)
        self.count += count_change
        if math.isfinite(value):
            self._update_number(value, count_change)
        else:
            self._non_finite_count += count_change

    def _update_number(self, number: int | float, count_change: int) -> None:
        raise NotImplementedError


class _Sum(_NumberAggregate):
    """Sums integers separately, for the case without floats, and all numbers in units."""

    def __init__(self) -> None:
        super().__init__()
        self._float_count = 0
        self._integer_sum = 0
        self._positive_units = 0
        self._negative_units = 0

    def _update_number(self, number: int | float, count_change: int) -> None:
        if isinstance(number, float):
            self._float_count += count_change
        else:
            self._integer_sum += count_change * number
        numerator, denominator = number.as_integer_ratio()
        units = count_change * numerator << (
            _SMALLEST_DOUBLE_EXPONENT + 1 - denominator.bit_length()
        )
        if number > 0:
            self._positive_units += units
        else:
            self._negative_units -= units

    @property
    def is_exact(self) -> bool:
        return (
            super().is_exact and max(self._positive_units, self._negative_units) < _MAX_EXACT_UNITS
        )

    @property
    def value(self) -> int | float | None:
        if self._float_count:
            return (self._positive_units - self._negative_units) / _UNITS_PER_ONE
        fits_int64 = MIN_INT64 <= self._integer_sum <= MAX_INT64
        return self._integer_sum if fits_int64 else float(self._integer_sum)


class _Average(_Sum):
    @property
    def value(self) -> int | float | None:
        total = super().value
        return float(total) / self.count if self.count and total is not None else None


class _Minimum(_NumberAggregate):
    """A heap with lazy deletion: a removed value is dropped once it reaches the top."""

    sign = 1

    def __init__(self) -> None:
        super().__init__()
        self._heap: list[int | float] = []
        self._removed_counts: Counter[int | float] = Counter()

    def _update_number(self, number: int | float, count_change: int) -> None:
        if count_change > 0:
            heappush(self._heap, self.sign * number)
        else:
            self._removed_counts[self.sign * number] += 1

    @property
    def value(self) -> int | float | None:
        while self._heap and self._removed_counts[self._heap[0]]:
            self._removed_counts[heappop(self._heap)] -= 1
        return self.sign * self._heap[0] if self._heap else None


class _Maximum(_Minimum):
    sign = -1


class _DistinctCount(IncrementalAggregate):
    def __init__(self) -> None:
        super().__init__()
        self._counts_by_key: Counter[object] = Counter()

    def _update(self, value: object, count_change: int) -> None:
        if is_missing(value):
            return
        key = equality_key(value)
        self._counts_by_key[key] += count_change
        if not self._counts_by_key[key]:
            del self._counts_by_key[key]
        self.count = len(self._counts_by_key)


_INCREMENTAL_AGGREGATES: dict[Aggregate | None, Callable[[], IncrementalAggregate]] = {
    None: IncrementalAggregate,
    aggregates.SUM: _Sum,
    aggregates.AVG: _Average,
    aggregates.MIN: _Minimum,
    aggregates.MAX: _Maximum,
    aggregates.DISTINCT_COUNT: _DistinctCount,
}
