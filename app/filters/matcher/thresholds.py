"""Intervals on a line, and who waits for values in them: found by bisection."""

from bisect import bisect_left
from collections.abc import Collection, Iterator, Sequence
from math import isqrt
from typing import Any, NamedTuple

from app.filters.matcher.vectors import Turn, meets, turn, turned, vector

End = tuple[Any, bool]
"""A place on the line: right at a value or, where true, right after it."""


class Interval(NamedTuple):
    """From one end on, until before another; None is without an end."""

    start: End | None
    end: End | None


class Thresholds:
    """The ends of many intervals, each of which has rules of its own.

    The line has 2n + 1 places: the odd ones are the n thresholds themselves, the even ones lie
    between them. From one place to the next few rules turn; the vector of all whose interval holds
    the place is kept at some places only, about four times the root of their number: with one
    for each the memory would grow with the square of the rules.
    """

    def __init__(self, intervals: Sequence[tuple[Interval, Collection[int]]]) -> None:
        self.values: list[Any] = sorted(
            {end[0] for interval, _ in intervals for end in interval if end is not None}
        )
        index = {value: 2 * place + 1 for place, value in enumerate(self.values)}
        turns: list[list[int]] = [[] for _ in range(2 * len(self.values) + 2)]
        for (start, end), rules in intervals:
            first = 0 if start is None else index[start[0]] + start[1]
            after = len(turns) - 1 if end is None else index[end[0]] + end[1]
            if first < after:
                turns[first] += rules
                turns[after] += rules
        # What turns as a place is reached from the one before it.
        self._turns: list[Turn] = [*map(turn, turns[:-1])]
        self._apart = max(1, isqrt(len(turns)) // 4)
        self._kept: list[int] = []
        bits = 0
        for place, rules in enumerate(turns[:-1]):
            bits ^= vector(rules)
            if place % self._apart == 0:
                self._kept.append(bits)

    def place(self, value: Any) -> int:
        """Where the value lies."""
        values = self.values
        index = bisect_left(values, value)
        return 2 * index + (index < len(values) and values[index] == value)

    def around(self, value: Any) -> int:
        """The vector of all whose interval holds the value."""
        place = self.place(value)
        kept, beyond = divmod(place, self._apart)
        bits = self._kept[kept]
        if beyond:
            for by in self._turns[place - beyond + 1 : place + 1]:
                if by:
                    bits = turned(bits, by)
        return bits

    def below(self, place: int, live: int) -> Iterator[int]:
        """The places from which one of the live rules turns as the next lower one is reached."""
        return (below for below in range(place, 0, -1) if meets(live, self._turns[below]))
