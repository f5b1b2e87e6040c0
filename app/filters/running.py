"""Measures of rows that come and go: what an evaluation says, without all of them each time.

A change costs a constant, and log n for an extreme. Sums are kept as exact integers, in units of
the least number that a double can hold, and rounded once: just what `math.fsum` does.
"""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from heapq import heappop, heappush
from itertools import compress
from typing import Any

from app.errors import Code, refuse
from app.filters import aggregates
from app.filters.aggregates import Aggregate, identity, is_missing
from app.filters.fields import is_number
from app.filters.tree import Measure
from app.filters.values import LARGEST_LONG, SMALLEST_LONG

# At most so many values are added up anew, in all, where a running sum can't tell.
MOST_AFRESH = 5_000_000
# The least double above 0 is one unit; in units, 1 is two to the power of this.
_FINEST = 1_074
_ONE = 1 << _FINEST
# Where neither the gains nor the losses come to more, no part of their sum leaves the doubles.
_LARGEST = ((1 << 1_024) - (1 << 974)) * _ONE


def require_little_afresh(values: int) -> None:
    """Refuses to add up too many values anew, in all, where a running sum can't tell."""
    if values > MOST_AFRESH:
        message = "So many events come to more than numbers can hold; send smaller amounts."
        raise refuse(Code.FILTER_TOO_COMPLEX, message)


class Tally:
    """A measure of rows, each of which may turn from being in to being out, and back."""

    def __init__(
        self, measure: Measure, rows: Sequence[Mapping[str, Any]], are_in: Sequence[bool]
    ) -> None:
        property_ = measure.property
        self._values = [property_.read(row) if property_ else None for row in rows]
        self._in = list(are_in)
        self._aggregate = measure.aggregate
        self._running = _RUNNING[measure.aggregate]()
        self._afresh = 0
        for value, is_in in zip(self._values, self._in, strict=True):
            if is_in:
                self._running.add(value)

    def turn(self, index: int) -> None:
        """The row at this place comes in, or goes out."""
        self._in[index] = not self._in[index]
        change = self._running.add if self._in[index] else self._running.remove
        change(self._values[index])

    @property
    def value(self) -> int | float | None:
        """What the measure comes to; None where it is missing."""
        if self._running.known or self._aggregate is None:
            return self._running.value
        self._afresh += len(self._values)
        require_little_afresh(self._afresh)
        return self._aggregate.of(compress(self._values, self._in))


class Running:
    """How many values there are, and the base of what else is kept of them."""

    def __init__(self) -> None:
        self.count = 0

    @property
    def known(self) -> bool:
        """Whether `value` is told by what is kept. Where numbers are not finite, or so large that
        the order in which they are added decides, only `Aggregate.of` can tell."""
        return True

    @property
    def value(self) -> int | float | None:
        return self.count

    def add(self, value: object) -> None:
        self._change(value, 1)

    def remove(self, value: object) -> None:
        """Takes back one that was added."""
        self._change(value, -1)

    def _change(self, value: object, by: int) -> None:
        self.count += by


class _Numbers(Running):
    """Of the values the numbers; those that are not finite are only counted."""

    def __init__(self) -> None:
        super().__init__()
        self._infinite = 0

    @property
    def known(self) -> bool:
        return not self._infinite

    def _change(self, value: object, by: int) -> None:
        if not is_number(value):
            return
        assert isinstance(value, int | float)
        self.count += by
        if math.isfinite(value):
            self._take(value, by)
        else:
            self._infinite += by

    def _take(self, number: int | float, by: int) -> None:
        raise NotImplementedError


class _Sum(_Numbers):
    """Integers by themselves, as they are added up where there are no floats; and all in units."""

    def __init__(self) -> None:
        super().__init__()
        self._floats = 0
        self._whole = 0
        self._gains = 0
        self._losses = 0

    def _take(self, number: int | float, by: int) -> None:
        if isinstance(number, float):
            self._floats += by
        else:
            self._whole += by * number
        top, bottom = number.as_integer_ratio()
        units = by * top << (_FINEST + 1 - bottom.bit_length())
        if number > 0:
            self._gains += units
        else:
            self._losses -= units

    @property
    def known(self) -> bool:
        return super().known and max(self._gains, self._losses) < _LARGEST

    @property
    def value(self) -> int | float | None:
        if self._floats:
            return (self._gains - self._losses) / _ONE
        fits = SMALLEST_LONG <= self._whole <= LARGEST_LONG
        return self._whole if fits else float(self._whole)


class _Average(_Sum):
    @property
    def value(self) -> int | float | None:
        total = super().value
        return float(total) / self.count if self.count and total is not None else None


class _Minimum(_Numbers):
    """A heap, from which what is gone is taken once it comes to the top."""

    sign = 1

    def __init__(self) -> None:
        super().__init__()
        self._heap: list[int | float] = []
        self._gone: Counter[int | float] = Counter()

    def _take(self, number: int | float, by: int) -> None:
        if by > 0:
            heappush(self._heap, self.sign * number)
        else:
            self._gone[self.sign * number] += 1

    @property
    def value(self) -> int | float | None:
        while self._heap and self._gone[self._heap[0]]:
            self._gone[heappop(self._heap)] -= 1
        return self.sign * self._heap[0] if self._heap else None


class _Maximum(_Minimum):
    sign = -1


class _Distinct(Running):
    def __init__(self) -> None:
        super().__init__()
        self._each: Counter[object] = Counter()

    def _change(self, value: object, by: int) -> None:
        if is_missing(value):
            return
        key = identity(value)
        self._each[key] += by
        if not self._each[key]:
            del self._each[key]
        self.count = len(self._each)


_RUNNING: dict[Aggregate | None, Callable[[], Running]] = {
    None: Running,
    aggregates.SUM: _Sum,
    aggregates.AVG: _Average,
    aggregates.MIN: _Minimum,
    aggregates.MAX: _Maximum,
    aggregates.DISTINCT_COUNT: _Distinct,
}
