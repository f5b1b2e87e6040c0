"""Intervals on a line, and the rules that ask for values in them: found by bisection."""

from bisect import bisect_left
from collections.abc import Sequence
from math import isqrt
from typing import Any, NamedTuple

from app.filters.matcher.bitmaps import flip_bits, to_bitmap

Endpoint = tuple[Any, bool]
"""A place on the line: right at a value or, where true, right after it."""


class Interval(NamedTuple):
    """From one end on, until before another; None is without an end."""

    start: Endpoint | None
    end: Endpoint | None


class IntervalIndex:
    """The ends of many intervals, each with its rule.

    A value turns the rules whose interval holds it, in the vector of one that lies in none. The
    line has 2n + 1 places: the odd ones are the n thresholds themselves, the even ones lie between
    them. From one to the next few rules turn. A vector is kept wherever more than so many have
    turned since the last one, and for the places between them only what has turned: a vector for
    each would make the memory grow with the square of the rules.
    """

    def __init__(self, intervals: Sequence[tuple[Interval, int]], default_bitmap: int) -> None:
        self.thresholds: list[Any] = sorted(
            {end[0] for interval, _ in intervals for end in interval if end is not None}
        )
        bucket_by_threshold = {
            value: 2 * position + 1 for position, value in enumerate(self.thresholds)
        }
        flips_by_bucket: list[list[int]] = [[] for _ in range(2 * len(self.thresholds) + 2)]
        for (start, end), rule in intervals:
            first_bucket = 0 if start is None else bucket_by_threshold[start[0]] + start[1]
            end_bucket = (
                len(flips_by_bucket) - 1 if end is None else bucket_by_threshold[end[0]] + end[1]
            )
            if first_bucket < end_bucket:
                flips_by_bucket[first_bucket].append(rule)
                flips_by_bucket[end_bucket].append(rule)
        # By place: a vector, and the rules that have turned since.
        self._buckets: list[tuple[int, tuple[int, ...]]] = []
        max_flips = max(4, isqrt(len(intervals)) // 16)
        base_bitmap, flipped_rules = default_bitmap, set[int]()
        for rules in flips_by_bucket[:-1]:
            flipped_rules ^= {*rules}
            if len(flipped_rules) > max_flips:
                base_bitmap, flipped_rules = base_bitmap ^ to_bitmap(flipped_rules), set()
            self._buckets.append((base_bitmap, tuple(flipped_rules)))

    def find_bucket(self, value: Any) -> int:
        """Where the value lies."""
        thresholds = self.thresholds
        index = bisect_left(thresholds, value)
        return 2 * index + (index < len(thresholds) and thresholds[index] == value)

    def bitmap_of(self, bucket: int) -> int:
        """The vector of the values that lie there."""
        base_bitmap, flipped_rules = self._buckets[bucket]
        return flip_bits(base_bitmap, flipped_rules) if flipped_rules else base_bitmap

    def find_threshold_below(self, bucket: int, live_rules: int) -> Any:
        """The first threshold below the place beyond which some of the live rules are turned
        otherwise, where all ends lie right at a threshold; None where there is none."""
        current_bitmap = self.bitmap_of(bucket)
        for threshold_bucket in range(bucket - 1 | 1, 0, -2):
            if (self.bitmap_of(threshold_bucket - 1) ^ current_bitmap) & live_rules:
                return self.thresholds[threshold_bucket // 2]
        return None
