"""One customer's events of one kind in the order of time, with the aggregates asked of them."""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

from app.filters.aggregates import Aggregate
from app.filters.running import require_little_afresh
from app.filters.suffix_aggregates import SUFFIX_AGGREGATES, Number, SuffixAggregate, of_rows

MAX_STEPS = 256
"""The most departures that are followed one by one in search of the next change."""
_MAX_JUMPS = 64
_FOREVER = 2**62


class Row(NamedTuple):
    """An event: its instant, in milliseconds since 1970, and the value that is aggregated."""

    instant: int
    value: object


class Stretches(Protocol):
    """How aggregates are sorted into the stretches between the thresholds that are asked for."""

    def place(self, value: Number | None) -> int:
        """The stretch of an aggregate; None stands for a missing one."""

    def differs(self, place: int) -> bool:
        """Whether the answer in a stretch is another one than now."""


class Series:
    """Rows that come and go, and what they come to in windows that end now.

    `now` may only move forward for answers in O(log n); an earlier one costs O(n). Rows that are
    dated ahead of it wait beside the series until it has reached them.
    """

    def __init__(self, *, follows_clock: bool) -> None:
        self._instants = array("q")
        self._values: list[object] = []
        self._ahead: list[Row] = []
        self._is_sorted = True
        # Where no window moves, rows count whatever their date.
        self._now = -_FOREVER if follows_clock else _FOREVER
        self._aggregates: dict[Aggregate | None, SuffixAggregate] = {}

    def __len__(self) -> int:
        return len(self._instants) + len(self._ahead)

    def serve(self, aggregate: Aggregate | None) -> None:
        """Prepares to answer for an aggregate; to be called before any row is added."""
        self._aggregates.setdefault(aggregate, SUFFIX_AGGREGATES[aggregate]())

    def add(self, rows: Iterable[Row]) -> None:
        self._ahead += rows
        self._is_sorted = False
        if self._now > -_FOREVER:
            self._take_in()

    def extend(self, instants: Sequence[int], values: Sequence[object], now: int) -> None:
        """Adds many rows at once, in their order and no earlier than those that are there; `now` is
        no later than the first instant that is asked about."""
        self._now = max(self._now, now)
        end = bisect_right(instants, self._now)
        first = len(self._instants)
        self._instants.extend(instants[:end])
        self._values += values[:end]
        for aggregate in self._aggregates.values():
            aggregate.extend(first, instants[:end], values[:end])
        self.add(map(Row, instants[end:], values[end:]))

    def remove(self, row: Row) -> None:
        """Takes out one row with this instant and value."""
        if row.instant > self._now:
            ahead = (i for i, each in enumerate(self._ahead) if each.instant == row.instant)
            del self._ahead[next(i for i in ahead if _same(self._ahead[i].value, row.value))]
            return
        index = bisect_left(self._instants, row.instant)
        while not _same(self._values[index], row.value):
            index += 1
        del self._instants[index], self._values[index]
        for aggregate in self._aggregates.values():
            if not aggregate.remove(index, row.instant, row.value):
                self._build(aggregate)

    def _build(self, aggregate: SuffixAggregate) -> None:
        aggregate.clear()
        for index, (instant, value) in enumerate(zip(self._instants, self._values, strict=True)):
            aggregate.insert(index, instant, value)

    def _move_to(self, now: int) -> None:
        if now > self._now:
            self._now = now
            self._take_in()

    def _take_in(self) -> None:
        """Moves the rows that are no longer ahead into the series."""
        if not self._is_sorted:
            self._ahead.sort(key=_instant)
            self._is_sorted = True
        if not self._ahead or self._ahead[0].instant > self._now:
            return
        end = bisect_right(self._ahead, self._now, key=_instant)
        arrived = self._ahead[:end]
        del self._ahead[:end]
        for row in arrived:
            index = bisect_right(self._instants, row.instant)
            self._instants.insert(index, row.instant)
            self._values.insert(index, row.value)
            for aggregate in self._aggregates.values():
                aggregate.insert(index, row.instant, row.value)

    # --- answers

    def value(self, aggregate: Aggregate | None, length: int | None, now: int) -> Number | None:
        """The aggregate over the window of a length in milliseconds that ends now; None for the
        length means all rows."""
        if length is None:
            return self._over(aggregate, -_FOREVER)
        self._move_to(now)
        if now < self._now and self._instants and self._instants[-1] > now:
            return self._anew(aggregate, length, now)
        return self._over(aggregate, now - length)

    def _over(self, aggregate: Aggregate | None, start: int) -> Number | None:
        """The aggregate of the rows after an instant that are not ahead."""
        kept = self._aggregates[aggregate]
        first = bisect_right(self._instants, start)
        if kept.unsafe:
            return of_rows(aggregate, self._values, first)
        return kept.over(first, start)

    def _anew(self, aggregate: Aggregate | None, length: int, now: int) -> Number | None:
        """The same at any instant, from every row."""
        instants = [*self._instants, *map(_instant, self._ahead)]
        values = [*self._values, *(row.value for row in self._ahead)]
        first, end = bisect_right(instants, now - length), bisect_right(instants, now)
        return of_rows(aggregate, values[:end], first)

    def any_ahead_or_within(self, length: int, now: int) -> bool:
        """Whether a row is yet to enter or leave the window."""
        self._move_to(now)
        return bool(self._ahead) or bool(self._instants and self._instants[-1] > now - length)

    def values(
        self, aggregate: Aggregate | None, length: int, now: int, until: int
    ) -> Iterator[tuple[int, Number | None]]:
        """Each instant after `now` and up to `until` at which a row enters or leaves the window,
        with the aggregate from then on."""
        self._move_to(now)
        series = self if not self._ahead and now >= self._now else self._before(aggregate, now)
        rows = [*series._instants, *map(_instant, series._ahead)]
        steps = {at for at in rows if now < at <= until}
        steps |= {at + length for at in rows if now < at + length <= until}
        afresh = 0
        for at in sorted(steps):
            if self._aggregates[aggregate].unsafe:
                afresh += len(rows)
                require_little_afresh(afresh)
            start = at - length
            yield (
                at,
                series._over(aggregate, start)
                if series is self
                else series.value(aggregate, length, at),
            )

    def _before(self, aggregate: Aggregate | None, now: int) -> "Series":
        """A series of the same rows that has come to an instant, and not further."""
        series = Series(follows_clock=True)
        series.serve(aggregate)
        series.extend(self._instants, self._values, now)
        series.add(self._ahead)
        return series

    def next_change(
        self,
        aggregate: Aggregate | None,
        length: int,
        now: int,
        until: int,
        stretches: Stretches,
    ) -> int | None:
        """An instant after `now` and up to `until` before which the answer stays as it is; None
        where it stays throughout.

        The instant is that of the change, or an earlier one at which to ask again: where the
        aggregate is not monotone, no more than `MAX_STEPS` departures are followed.
        """
        self._move_to(now)
        kept = self._aggregates[aggregate]
        if now < self._now:
            return self._next_step(length, now, until)
        until = min([until, *(row.instant for row in self._ahead[:1])])
        first = bisect_right(self._instants, now - length)
        last = bisect_right(self._instants, until - length)
        if kept.is_monotone:
            found = self._jump(aggregate, first, last, stretches)
        elif _stays_between(kept.bounds(first, now - length), kept, stretches):
            # Only where the last row leaves is the aggregate missing.
            ends = last == len(self._instants) > first
            found = last if ends and stretches.differs(stretches.place(None)) else None
        else:
            steps = 1 if kept.unsafe else MAX_STEPS
            found = self._walk(aggregate, first, last, stretches, steps)
        if found is not None:
            return self._instants[found - 1] + length
        return until if self._ahead and self._ahead[0].instant == until else None

    def _next_step(self, length: int, now: int, until: int) -> int | None:
        """The next instant after any `now` at which a row enters or leaves the window."""
        steps = [row.instant for row in self._ahead[:1]]
        for distance in (0, length):
            index = bisect_right(self._instants, now - distance)
            steps += (instant + distance for instant in self._instants[index : index + 1])
        return min((at for at in steps if at <= until), default=None)

    def _jump(
        self, aggregate: Aggregate | None, first: int, last: int, stretches: Stretches
    ) -> int | None:
        """How many rows must have left before the answer is another one, found by bisection from
        one threshold to the next."""

        def place_after(index: int) -> int:
            return stretches.place(self._over(aggregate, self._instants[index - 1]))

        if first >= last:
            return None
        here = stretches.place(self._over(aggregate, self._instants[first] - 1))
        end = place_after(last)
        for _ in range(_MAX_JUMPS):
            if here == end:
                return None
            low, high = first, last
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if place_after(middle) == here else (low, middle)
            first, here = high, place_after(high)
            if stretches.differs(here):
                break
        return first

    def _walk(
        self, aggregate: Aggregate | None, first: int, last: int, stretches: Stretches, steps: int
    ) -> int | None:
        """The same, one departure after the other, and not more of them than `steps`."""
        end = min(first + steps, last)
        for index in range(first + 1, end + 1):
            value = self._over(aggregate, self._instants[index - 1])
            if stretches.differs(stretches.place(value)):
                return index
        return end if end < last else None


def _stays_between(
    bounds: tuple[Number, Number] | None, kept: SuffixAggregate, stretches: Stretches
) -> bool:
    """Whether everything between two bounds lies in one stretch."""
    return bool(bounds and not kept.unsafe) and len(set(map(stretches.place, bounds or ()))) == 1


def _instant(row: Row) -> int:
    return row.instant


def _same(one: object, other: object) -> bool:
    """Whether two values are alike in type and value; NaN is like NaN."""
    return one is other or (
        type(one) is type(other) and (one == other or (one != one and other != other))
    )
