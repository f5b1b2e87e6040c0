"""Sums over any suffix of a time series; `suffix_aggregates` explains suffixes."""

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, groupby, islice, pairwise, repeat
from operator import attrgetter, sub
from typing import NamedTuple

from app.filters.suffix_aggregate_base import Number, SuffixAggregate
from app.filters.values import MAX_INT64, MIN_INT64

# Floats outside these magnitudes would need exact integers of thousands of bits.
_MIN_EXACT_MAGNITUDE = 2.0**-300
_MAX_EXACT_MAGNITUDE = 2.0**900
_MAX_PENDING_DELTAS = 64


class _Delta(NamedTuple):
    """The contribution of a row at its instant; negative for a removed row."""

    instant_ms: int
    units: int
    float_count: int
    row_count: int


class Sum(SuffixAggregate):
    """Sums of suffixes as differences of prefix sums.

    The sums are exact integers in units of a power of two, rounded once at the end, which gives the
    result of `math.fsum`. Rows that arrive out of order or are removed are pending deltas beside
    the prefix sums; with more than `_MAX_PENDING_DELTAS` of them the prefix sums are rebuilt.
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
        """Builds the prefix sums of deltas in order of time."""
        self._instants_ms = array("q", (delta.instant_ms for delta in deltas))
        self._unit_sums = [*accumulate((delta.units for delta in deltas), initial=0)]
        self._float_counts = array(
            "q", accumulate((delta.float_count for delta in deltas), initial=0)
        )
        self._row_counts = array("q", accumulate((delta.row_count for delta in deltas), initial=0))

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
            # A removed row and its negative delta cancel out.
            self._build_prefix_sums([delta for delta in by_instant if any(delta[1:])])

    def _deltas(self) -> Iterator[_Delta]:
        """The differences between adjacent prefix sums."""
        prefix_sums = zip(self._unit_sums, self._float_counts, self._row_counts, strict=True)
        for instant_ms, (before, after) in zip(
            self._instants_ms, pairwise(prefix_sums), strict=True
        ):
            yield _Delta(instant_ms, *map(sub, after, before))

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
                delta._replace(units=delta.units << shift) for delta in self._pending_deltas
            ]
        return numerator << (self._exponent - exponent)

    def suffix_value(self, first_index: int, start_ms: int) -> Number | None:
        return self._round_total(self._suffix_total(start_ms))

    def _suffix_total(self, start_ms: int) -> _Delta:
        """The sum of the deltas after an instant."""
        index = bisect_right(self._instants_ms, start_ms)
        units = self._unit_sums[-1] - self._unit_sums[index]
        float_count = self._float_counts[-1] - self._float_counts[index]
        row_count = self._row_counts[-1] - self._row_counts[index]
        for delta in self._pending_deltas:
            if delta.instant_ms > start_ms:
                units += delta.units
                float_count += delta.float_count
                row_count += delta.row_count
        return _Delta(start_ms, units, float_count, row_count)

    def _round_total(self, total: _Delta) -> Number:
        if total.float_count:
            return total.units / (1 << self._exponent)
        integer_sum = total.units >> self._exponent
        return integer_sum if MIN_INT64 <= integer_sum <= MAX_INT64 else float(integer_sum)


def _merge_deltas(deltas: Iterable[_Delta]) -> _Delta:
    """The sum of deltas of one instant."""
    instants_ms, units, float_counts, row_counts = zip(*deltas, strict=True)
    return _Delta(instants_ms[0], sum(units), sum(float_counts), sum(row_counts))


def _is_exact(value: Number) -> bool:
    """Whether `Sum` can add the number exactly."""
    return (
        value.__class__ is int
        or value == 0
        or _MIN_EXACT_MAGNITUDE <= abs(value) < _MAX_EXACT_MAGNITUDE
    )
