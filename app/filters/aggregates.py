"""What is taken of many events: side by side, MongoDB's form and ours."""

import math
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from app.filters.fields import Field, is_number
from app.filters.values import MAX_INT64, MIN_INT64

Expression = Any


def value_expression(field: Field) -> Expression:
    """MongoDB's expression for the value at a field: null behind an array, as in `Field.read`."""
    inner = "$" + field.mongo_path
    parents = [
        "$" + ".".join(field.document_keys[:end]) for end in range(1, len(field.document_keys))
    ]
    if not parents:
        return inner
    through_array = {"$or": [{"$isArray": [parent]} for parent in parents]}
    return {"$cond": [through_array, None, inner]}


class Aggregate:
    """A function of the values of one property over many events."""

    name: ClassVar[str]
    phrase: ClassVar[str]
    # What it is where there are no events at all; None is missing.
    empty_value: ClassVar[int | None] = None

    def accumulate(self, field: Field) -> Expression:
        """The accumulator of MongoDB's $group."""
        raise NotImplementedError

    def finalize(self, accumulated: str) -> Expression:
        """What the accumulated value comes to; null stands for missing."""
        return accumulated

    def compute(self, values: Iterable[object]) -> int | float | None:
        """The same in this process, of the values that are not missing."""
        raise NotImplementedError


def _number_expression(field: Field) -> Expression:
    """The value at a field where it is a number, and null elsewhere."""
    value = value_expression(field)
    return {"$cond": [{"$isNumber": value}, value, None]}


class _PushAggregate(Aggregate):
    """One that MongoDB takes of all the numbers at once.

    Its accumulators of sums keep a compensation for what is lost in rounding, and forget it at the
    end: 0.1, 0.2 and -0.3 would come to 0, and in another order to something else. A zero at the
    end of the list has it added.
    """

    def accumulate(self, field: Field) -> Expression:
        return {"$push": {"$ifNull": [_number_expression(field), "$$REMOVE"]}}

    def sum_expression(self, accumulated: str) -> Expression:
        return {"$sum": {"$concatArrays": [accumulated, [0]]}}


class Sum(_PushAggregate):
    """The sum of the numbers among the values; 0 of none."""

    name = "SUM"
    phrase = "the sum of {property}"
    empty_value = 0

    def finalize(self, accumulated: str) -> Expression:
        return self.sum_expression(accumulated)

    def compute(self, values: Iterable[object]) -> int | float | None:
        return _sum(_numbers(values))


class Average(_PushAggregate):
    """The mean of the numbers among the values; missing of none."""

    name = "AVG"
    phrase = "the average of {property}"

    def finalize(self, accumulated: str) -> Expression:
        is_empty = {"$eq": [accumulated, []]}
        return {
            "$cond": [
                is_empty,
                None,
                {"$divide": [self.sum_expression(accumulated), {"$size": accumulated}]},
            ]
        }

    def compute(self, values: Iterable[object]) -> int | float | None:
        numbers = _numbers(values)
        return float(_sum(numbers)) / len(numbers) if numbers else None


class _Extremum(Aggregate):
    accumulator_operator: ClassVar[str]

    def accumulate(self, field: Field) -> Expression:
        return {self.accumulator_operator: _number_expression(field)}


class Minimum(_Extremum):
    """The least of the numbers among the values; missing of none."""

    name = "MIN"
    phrase = "the least {property}"
    accumulator_operator = "$min"

    def compute(self, values: Iterable[object]) -> int | float | None:
        return min(_numbers(values), default=None, key=_nan_first_key)


class Maximum(_Extremum):
    """The greatest of the numbers among the values; missing of none."""

    name = "MAX"
    phrase = "the greatest {property}"
    accumulator_operator = "$max"

    def compute(self, values: Iterable[object]) -> int | float | None:
        return max(_numbers(values), default=None, key=_nan_first_key)


class DistinctCount(Aggregate):
    """How many different values there are; an array is one value."""

    name = "DISTINCT_COUNT"
    phrase = "the number of different {property}"
    empty_value = 0

    def accumulate(self, field: Field) -> Expression:
        return {"$addToSet": value_expression(field)}

    def finalize(self, accumulated: str) -> Expression:
        return {"$size": {"$setDifference": [accumulated, [None, []]]}}

    def compute(self, values: Iterable[object]) -> int | float | None:
        return len({equality_key(value) for value in values if not is_missing(value)})


SUM, AVG, MIN, MAX = Sum(), Average(), Minimum(), Maximum()
DISTINCT_COUNT = DistinctCount()
AGGREGATES: tuple[Aggregate, ...] = (SUM, AVG, MIN, MAX, DISTINCT_COUNT)
AGGREGATES_BY_NAME = {aggregate.name: aggregate for aggregate in AGGREGATES}


def _nan_first_key(value: int | float) -> tuple[bool, int | float]:
    """Sorts as MongoDB does: NaN is less than every number."""
    return value == value, value


def _numbers(values: Iterable[object]) -> Sequence[int | float]:
    return [value for value in values if is_number(value)]  # type: ignore[misc]


def _sum(numbers: Sequence[int | float]) -> int | float:
    integer_sum = sum(number for number in numbers if isinstance(number, int))
    floats = [number for number in numbers if isinstance(number, float)]
    if not floats:
        return integer_sum if MIN_INT64 <= integer_sum <= MAX_INT64 else float(integer_sum)
    # Two floats hold an integer of a hundred bits, so that nothing of it is lost before the end.
    rounded_sum = float(integer_sum)
    floats += [rounded_sum, float(integer_sum - int(rounded_sum))]
    try:
        return math.fsum(floats)
    except (OverflowError, ValueError):
        return sum(floats)


def is_missing(value: object) -> bool:
    return value is None or value == []


def equality_key(value: object) -> object:
    """A key that is the same for values that MongoDB takes for the same."""
    if isinstance(value, dict):
        return ("object", *((key, equality_key(inner)) for key, inner in value.items()))
    if isinstance(value, list):
        return ("array", *map(equality_key, value))
    if isinstance(value, bool):
        return ("boolean", value)
    # NaN is no other NaN to Python, and is to MongoDB.
    return value if value == value else ("nan",)
