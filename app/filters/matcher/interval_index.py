"""Finds by bisection the rules whose intervals contain a value."""

from bisect import bisect_left
from collections.abc import Sequence
from math import isqrt
from typing import Any, NamedTuple

from app.filters.matcher.bitmaps import flip_bits, to_bitmap

Endpoint = tuple[Any, bool]
"""A threshold and a flag: the interval starts or ends right before the threshold or, if the flag is
true, right after it."""


class Interval(NamedTuple):
    """The values between two endpoints; None is unbounded."""

    start: Endpoint | None
    end: Endpoint | None


class IntervalIndex:
    """Intervals, each with the bit of its rule.

    A value flips the bits of the rules whose interval contains it, in a default bitmap for a value
    that no interval contains. n thresholds divide the values into 2n + 1 buckets: each odd bucket
    is one threshold, each even bucket lies between two thresholds. Few bits differ between
    neighboring buckets. The index therefore stores a base bitmap only after a certain number of
    flips, and for the buckets in between the flips since the last base bitmap. One bitmap for each
    bucket would take memory that is quadratic in the number of rules.
    """

    def __init__(self, intervals: Sequence[tuple[Interval, int]], default_bitmap: int) -> None:
        self.thresholds: list[Any] = sorted(
            {end[0] for interval, _ in intervals for end in interval if end is not None}
        )
        bucket_by_threshold = {
            value: 2 * position + 1 for position, value in enumerate(self.thresholds)
        }
        flips_by_bucket: list[list[int]] = [[] for _ in range(2 * len(self.thresholds) + 2)]
        for (start, end), rule_bit in intervals:
            first_bucket = 0 if start is None else bucket_by_threshold[start[0]] + start[1]
            end_bucket = (
                len(flips_by_bucket) - 1 if end is None else bucket_by_threshold[end[0]] + end[1]
            )
            if first_bucket < end_bucket:
                flips_by_bucket[first_bucket].append(rule_bit)
                flips_by_bucket[end_bucket].append(rule_bit)
        # For each bucket: the base bitmap, and the bits to flip in it.
        self._buckets: list[tuple[int, tuple[int, ...]]] = []
        max_flips = max(4, isqrt(len(intervals)) // 16)
        base_bitmap, flipped_rules = default_bitmap, set[int]()
        for rule_bits in flips_by_bucket[:-1]:
            flipped_rules ^= {*rule_bits}
            if len(flipped_rules) > max_flips:
                base_bitmap, flipped_rules = base_bitmap ^ to_bitmap(flipped_rules), set()
            self._buckets.append((base_bitmap, tuple(flipped_rules)))

    def find_bucket(self, value: Any) -> int:
        """The bucket of the value."""
        thresholds = self.thresholds
        index = bisect_left(thresholds, value)
        return 2 * index + (index < len(thresholds) and thresholds[index] == value)

    def bitmap_of(self, bucket: int) -> int:
        """The bitmap for the values of the bucket."""
        base_bitmap, flipped_rules = self._buckets[bucket]
        return flip_bits(base_bitmap, flipped_rules) if flipped_rules else base_bitmap

    def find_threshold_below(self, bucket: int, live_rules: int) -> Any:
        """The nearest threshold below the bucket at which the bit of a live rule changes.

        Returns None if there is none. All endpoints must lie right before their threshold.
        """
        current_bitmap = self.bitmap_of(bucket)
        for threshold_bucket in range(bucket - 1 | 1, 0, -2):
            if (self.bitmap_of(threshold_bucket - 1) ^ current_bitmap) & live_rules:
                return self.thresholds[threshold_bucket // 2]
        return None
