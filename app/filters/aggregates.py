"""Aggregates of an event property: MongoDB's form and the evaluator's form side by side.

`incremental_aggregates` and `suffix_aggregates` compute the same values while rows come and go.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from app.filters.fields import Field, is_number
from app.filters.values import MAX_INT64, MIN_INT64

Expression = Any


def value_expression(field: Field) -> Expression:
    """MongoDB's expression for the value at a field: null behind an array, like `Field.read`."""
    value = "$" + field.mongo_path
    parents = [
        "$" + ".".join(field.document_keys[:end]) for end in range(1, len(field.document_keys))
    ]
    if not parents:
        return value
    is_behind_array = {"$or": [{"$isArray": [parent]} for parent in parents]}
    return {"$cond": [is_behind_array, None, value]}


class Aggregate:
    """A function of the values of one property over many events.

    The docstring of each subclass is its description in the API.
    """

    name: ClassVar[str]
    phrase: ClassVar[str]
    # The result without any events; None stands for missing.
    empty_value: ClassVar[int | None] = None

    def accumulate(self, field: Field) -> Expression:
        """The accumulator for MongoDB's $group."""
        raise NotImplementedError

    def finalize(self, accumulated: str, field: Field) -> Expression:
        """The expression for the result, from that of the accumulated value; null is missing."""
        return accumulated

    def compute(self, values: Iterable[object]) -> int | float | None:
        """The result in the evaluator; None stands for missing."""
        raise NotImplementedError


def _number_expression(field: Field) -> Expression:
    """The value at a field if it is a number, else null."""
    value = value_expression(field)
    return {"$cond": [{"$isNumber": value}, value, None]}


def _push_numbers(field: Field) -> Expression:
    return {"$push": {"$ifNull": [_number_expression(field), "$$REMOVE"]}}


def _sum_of_list(numbers: str) -> Expression:
    """The sum of a list of numbers, rounded once.

    MongoDB's $sum and $avg accumulators keep a rounding compensation and drop it at the end, so
    that the order of 0.1, 0.2 and -0.3 would decide the result. Over a list, $sum adds the
    compensation when it meets the next element: a final zero makes it add all of it. The sum of
    whole numbers needs no list: with the compensation, $sum holds 106 bits; $avg holds 53.
    """
    return {"$sum": {"$concatArrays": [numbers, [0]]}}


class Sum(Aggregate):
    """The sum of the numeric values; 0 if there are none."""

    name = "SUM"
    phrase = "the sum of {property}"
    empty_value = 0

    def accumulate(self, field: Field) -> Expression:
        return {"$sum": value_expression(field)} if field.is_whole else _push_numbers(field)

    def finalize(self, accumulated: str, field: Field) -> Expression:
        return accumulated if field.is_whole else _sum_of_list(accumulated)

    def compute(self, values: Iterable[object]) -> int | float | None:
        return _sum(_numbers(values))


class Average(Aggregate):
    """The arithmetic mean of the numeric values; missing if there are none."""

    name = "AVG"
    phrase = "the average of {property}"

    def accumulate(self, field: Field) -> Expression:
        return _push_numbers(field)

    def finalize(self, accumulated: str, field: Field) -> Expression:
        is_empty = {"$eq": [accumulated, []]}
        mean = {"$divide": [_sum_of_list(accumulated), {"$size": accumulated}]}
        return {"$cond": [is_empty, None, mean]}

    def compute(self, values: Iterable[object]) -> int | float | None:
        numbers = _numbers(values)
        return float(_sum(numbers)) / len(numbers) if numbers else None


class _Extremum(Aggregate):
    accumulator_operator: ClassVar[str]

    def accumulate(self, field: Field) -> Expression:
        return {self.accumulator_operator: _number_expression(field)}


class Minimum(_Extremum):
    """The smallest numeric value; missing if there are none."""

    name = "MIN"
    phrase = "the smallest {property}"
    accumulator_operator = "$min"

    def compute(self, values: Iterable[object]) -> int | float | None:
        return min(_numbers(values), default=None, key=_nan_first_key)


class Maximum(_Extremum):
    """The largest numeric value; missing if there are none."""

    name = "MAX"
    phrase = "the largest {property}"
    accumulator_operator = "$max"

    def compute(self, values: Iterable[object]) -> int | float | None:
        return max(_numbers(values), default=None, key=_nan_first_key)


class DistinctCount(Aggregate):
    """The number of distinct values; an array is one value."""

    name = "DISTINCT_COUNT"
    phrase = "the number of distinct {property}"
    empty_value = 0

    def accumulate(self, field: Field) -> Expression:
        return {"$addToSet": value_expression(field)}

    def finalize(self, accumulated: str, field: Field) -> Expression:
        return {"$size": {"$setDifference": [accumulated, [None, []]]}}

    def compute(self, values: Iterable[object]) -> int | float | None:
        return len({equality_key(value) for value in values if not is_missing(value)})


SUM = Sum()
AVG = Average()
MIN = Minimum()
MAX = Maximum()
DISTINCT_COUNT = DistinctCount()
AGGREGATES: tuple[Aggregate, ...] = (SUM, AVG, MIN, MAX, DISTINCT_COUNT)
AGGREGATES_BY_NAME = {aggregate.name: aggregate for aggregate in AGGREGATES}


def _nan_first_key(value: int | float) -> tuple[bool, int | float]:
    """Sorts like MongoDB: NaN is less than every number."""
    return value == value, value


def _numbers(values: Iterable[object]) -> Sequence[int | float]:
    return [value for value in values if is_number(value)]  # type: ignore[misc]


def _sum(numbers: Sequence[int | float]) -> int | float:
    integer_sum = sum(number for number in numbers if isinstance(number, int))
    floats = [number for number in numbers if isinstance(number, float)]
    if not floats:
        return integer_sum if MIN_INT64 <= integer_sum <= MAX_INT64 else float(integer_sum)
    # Two floats hold an integer of up to 106 bits exactly; only fsum rounds, once.
    rounded_sum = float(integer_sum)
    floats += [rounded_sum, float(integer_sum - int(rounded_sum))]
    try:
        return math.fsum(floats)
    except (OverflowError, ValueError):
        return sum(floats)


def is_missing(value: object) -> bool:
    """Whether a stored value counts as missing: null or an empty array."""
    return value is None or value == []


def equality_key(value: object) -> object:
    """A hashable key that is equal for values that MongoDB considers equal."""
    if isinstance(value, dict):
        return ("object", *((key, equality_key(element)) for key, element in value.items()))
    if isinstance(value, list):
        return ("array", *map(equality_key, value))
    if isinstance(value, bool):
        return ("boolean", value)
    # Two NaNs are equal to MongoDB, and not to Python.
    return value if value == value else ("nan",)
