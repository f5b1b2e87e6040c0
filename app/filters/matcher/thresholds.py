"""Intervals on a line, and the rules that ask for values in them: found by bisection."""

from bisect import bisect_left
from collections.abc import Sequence
from math import isqrt
from typing import Any, NamedTuple

from app.filters.matcher.vectors import turned, vector

End = tuple[Any, bool]
"""A place on the line: right at a value or, where true, right after it."""


class Interval(NamedTuple):
    """From one end on, until before another; None is without an end."""

    start: End | None
    end: End | None


class Thresholds:
    """The ends of many intervals, each with its rule.

    A value turns the rules whose interval holds it, in the vector of one that lies in none. The
    line has 2n + 1 places: the odd ones are the n thresholds themselves, the even ones lie between
    them. From one to the next few rules turn. A vector is kept wherever more than so many have
    turned since the last one, and for the places between them only what has turned: a vector for
    each would make the memory grow with the square of the rules.
    """

    def __init__(self, intervals: Sequence[tuple[Interval, int]], outside: int) -> None:
        self.values: list[Any] = sorted(
            {end[0] for interval, _ in intervals for end in interval if end is not None}
        )
        index = {value: 2 * place + 1 for place, value in enumerate(self.values)}
        turns: list[list[int]] = [[] for _ in range(2 * len(self.values) + 2)]
        for (start, end), rule in intervals:
            first = 0 if start is None else index[start[0]] + start[1]
            after = len(turns) - 1 if end is None else index[end[0]] + end[1]
            if first < after:
                turns[first].append(rule)
                turns[after].append(rule)
        # By place: a vector, and the rules that have turned since.
        self._at: list[tuple[int, tuple[int, ...]]] = []
        most = max(4, isqrt(len(intervals)) // 16)
        kept, since = outside, set[int]()
        for rules in turns[:-1]:
            since ^= {*rules}
            if len(since) > most:
                kept, since = kept ^ vector(since), set()
            self._at.append((kept, tuple(since)))

    def place(self, value: Any) -> int:
        """Where the value lies."""
        values = self.values
        index = bisect_left(values, value)
        return 2 * index + (index < len(values) and values[index] == value)

    def at(self, place: int) -> int:
        """The vector of the values that lie there."""
        kept, since = self._at[place]
        return turned(kept, since) if since else kept

    def passed(self, place: int, live: int) -> Any:
        """The first threshold below the place beyond which some of the live rules are turned
        otherwise, where all ends lie right at a threshold; None where there is none."""
        here = self.at(place)
        for odd in range(place - 1 | 1, 0, -2):
            if (self.at(odd - 1) ^ here) & live:
                return self.values[odd // 2]
        return None
