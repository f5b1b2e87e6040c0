"""What is taken of many events: side by side, MongoDB's form and ours."""

import math
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from app.filters.fields import Field, is_number
from app.filters.values import LARGEST_LONG, SMALLEST_LONG

Expression = Any


def value_at(field: Field) -> Expression:
    """MongoDB's expression for the value at a field: null behind an array, as in `Field.read`."""
    inner = "$" + field.address
    parents = ["$" + ".".join(field.stored[:end]) for end in range(1, len(field.stored))]
    if not parents:
        return inner
    through_array = {"$or": [{"$isArray": [parent]} for parent in parents]}
    return {"$cond": [through_array, None, inner]}


class Aggregate:
    """A function of the values of one property over many events."""

    name: ClassVar[str]
    phrase: ClassVar[str]
    # What it is where there are no events at all; None is missing.
    of_none: ClassVar[int | None] = None

    def accumulate(self, field: Field) -> Expression:
        """The accumulator of MongoDB's $group."""
        raise NotImplementedError

    def finish(self, accumulated: str) -> Expression:
        """What the accumulated value comes to; null stands for missing."""
        return accumulated

    def of(self, values: Iterable[object]) -> int | float | None:
        """The same in this process, of the values that are not missing."""
        raise NotImplementedError


def _number(field: Field) -> Expression:
    """The value at a field where it is a number, and null elsewhere."""
    value = value_at(field)
    return {"$cond": [{"$isNumber": value}, value, None]}


class _Collected(Aggregate):
    """One that MongoDB takes of all the numbers at once.

    Its accumulators of sums keep a compensation for what is lost in rounding, and forget it at the
    end: 0.1, 0.2 and -0.3 would come to 0, and in another order to something else. A zero at the
    end of the list has it added.
    """

    def accumulate(self, field: Field) -> Expression:
        return {"$push": {"$ifNull": [_number(field), "$$REMOVE"]}}

    def sum(self, accumulated: str) -> Expression:
        return {"$sum": {"$concatArrays": [accumulated, [0]]}}


class Sum(_Collected):
    """The sum of the numbers among the values; 0 of none."""

    name = "SUM"
    phrase = "the sum of {property}"
    of_none = 0

    def finish(self, accumulated: str) -> Expression:
        return self.sum(accumulated)

    def of(self, values: Iterable[object]) -> int | float | None:
        return _sum(_numbers(values))


class Average(_Collected):
    """The mean of the numbers among the values; missing of none."""

    name = "AVG"
    phrase = "the average of {property}"

    def finish(self, accumulated: str) -> Expression:
        none = {"$eq": [accumulated, []]}
        return {"$cond": [none, None, {"$divide": [self.sum(accumulated), {"$size": accumulated}]}]}

    def of(self, values: Iterable[object]) -> int | float | None:
        numbers = _numbers(values)
        return float(_sum(numbers)) / len(numbers) if numbers else None


class _Extreme(Aggregate):
    accumulator: ClassVar[str]

    def accumulate(self, field: Field) -> Expression:
        return {self.accumulator: _number(field)}


class Minimum(_Extreme):
    """The least of the numbers among the values; missing of none."""

    name = "MIN"
    phrase = "the least {property}"
    accumulator = "$min"

    def of(self, values: Iterable[object]) -> int | float | None:
        return min(_numbers(values), default=None, key=_nan_first)


class Maximum(_Extreme):
    """The greatest of the numbers among the values; missing of none."""

    name = "MAX"
    phrase = "the greatest {property}"
    accumulator = "$max"

    def of(self, values: Iterable[object]) -> int | float | None:
        return max(_numbers(values), default=None, key=_nan_first)


class DistinctCount(Aggregate):
    """How many different values there are; an array is one value."""

    name = "DISTINCT_COUNT"
    phrase = "the number of different {property}"
    of_none = 0

    def accumulate(self, field: Field) -> Expression:
        return {"$addToSet": value_at(field)}

    def finish(self, accumulated: str) -> Expression:
        return {"$size": {"$setDifference": [accumulated, [None, []]]}}

    def of(self, values: Iterable[object]) -> int | float | None:
        return len({identity(value) for value in values if not is_missing(value)})


SUM, AVG, MIN, MAX = Sum(), Average(), Minimum(), Maximum()
DISTINCT_COUNT = DistinctCount()
AGGREGATES: tuple[Aggregate, ...] = (SUM, AVG, MIN, MAX, DISTINCT_COUNT)
BY_NAME = {aggregate.name: aggregate for aggregate in AGGREGATES}


def _nan_first(value: int | float) -> tuple[bool, int | float]:
    """Sorts as MongoDB does: NaN is less than every number."""
    return value == value, value


def _numbers(values: Iterable[object]) -> Sequence[int | float]:
    return [value for value in values if is_number(value)]  # type: ignore[misc]


def _sum(numbers: Sequence[int | float]) -> int | float:
    whole = sum(number for number in numbers if isinstance(number, int))
    floats = [number for number in numbers if isinstance(number, float)]
    if not floats:
        return whole if SMALLEST_LONG <= whole <= LARGEST_LONG else float(whole)
    # Two floats hold an integer of a hundred bits, so that nothing of it is lost before the end.
    high = float(whole)
    floats += [high, float(whole - int(high))]
    try:
        return math.fsum(floats)
    except (OverflowError, ValueError):
        return sum(floats)


def is_missing(value: object) -> bool:
    return value is None or value == []


def identity(value: object) -> object:
    """A key that is the same for values that MongoDB takes for the same."""
    if isinstance(value, dict):
        return ("object", *((key, identity(inner)) for key, inner in value.items()))
    if isinstance(value, list):
        return ("array", *map(identity, value))
    if isinstance(value, bool):
        return ("boolean", value)
    # NaN is no other NaN to Python, and is to MongoDB.
    return value if value == value else ("nan",)
