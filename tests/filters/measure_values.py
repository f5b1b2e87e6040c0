"""Comparison of the values of measures."""

import math


def are_equal(one: float | None, other: float | None) -> bool:
    """Whether two values are equal. NaN equals NaN, and a missing value (None) another one."""
    if one is None or other is None:
        return one is other
    return one == other or (math.isnan(one) and math.isnan(other))
