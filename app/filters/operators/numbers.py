"""Operators that compare numbers; BETWEEN also compares dates and datetimes."""

import operator
from collections.abc import Callable
from typing import Any, ClassVar

from app.filters.calendar import Now, Ordering
from app.filters.fields import TEMPORAL_TYPES, AttributeType, is_number
from app.filters.operators.operator import (
    NUMBER_TYPES,
    BoundTests,
    ElementOperator,
    ElementTest,
    Example,
    Operand,
    Query,
    range_query,
)
from app.filters.operators.spans import ClosedSpan, span_bound_tests, span_query
from app.filters.values import NUMBER, RANGE

_TWO_DAYS = ["2026-03-29", "2026-03-30"]


class _ComparisonOperator(ElementOperator):
    """Compares the stored number with the operand."""

    types = NUMBER_TYPES
    operand_kind = NUMBER
    mongodb_operator: ClassVar[str]
    compare: ClassVar[Callable[[Any, Any], bool]]

    def query(self, path: str, operand: Operand, now: Now) -> Query:
        return {path: {self.mongodb_operator: operand.value}}

    def element_test(self, operand: Operand, now: Now) -> ElementTest:
        compare, bound = type(self).compare, operand.value
        return lambda element: is_number(element) and compare(element, bound)


class GreaterThan(_ComparisonOperator):
    """The number is greater than the given number."""

    name = "GREATER_THAN"
    label = "is greater than"
    phrase = "is greater than {value}"
    mongodb_operator, compare = "$gt", operator.gt
    examples = (
        Example(5, 4, True),
        Example(5, 5, False),
        Example(5.5, 5, True),
        Example("9", 5, False),
        Example(True, 0, False),
        Example([1, 9], 5, True),
        Example(2**53 + 1, float(2**53), True),
        Example(None, -1, False),
    )


GREATER_THAN = GreaterThan()


class GreaterThanOrEqual(_ComparisonOperator):
    """The number is greater than or equal to the given number."""

    name = "GREATER_THAN_OR_EQUAL"
    label = "is at least"
    phrase = "is at least {value}"
    mongodb_operator, compare = "$gte", operator.ge
    examples = (
        Example(5, 5, True),
        Example(0, 0, True),
        Example(4.999, 5, False),
        Example(None, 0, False),
    )


GREATER_THAN_OR_EQUAL = GreaterThanOrEqual()


class LessThan(_ComparisonOperator):
    """The number is less than the given number."""

    name = "LESS_THAN"
    label = "is less than"
    phrase = "is less than {value}"
    mongodb_operator, compare = "$lt", operator.lt
    examples = (
        Example(-1, 0, True),
        Example(0, 0, False),
        Example(None, 1, False),
    )


LESS_THAN = LessThan()


class LessThanOrEqual(_ComparisonOperator):
    """The number is less than or equal to the given number."""

    name = "LESS_THAN_OR_EQUAL"
    label = "is at most"
    phrase = "is at most {value}"
    mongodb_operator, compare = "$lte", operator.le
    examples = (
        Example(0, 0, True),
        Example(1, 0, False),
        Example(None, 1, False),
    )


LESS_THAN_OR_EQUAL = LessThanOrEqual()


class Between(ElementOperator):
    """The value lies between the two given values, or equals one of them.

    A date includes the whole day in the project's time zone. A stored date counts as its midnight.
    """

    name = "BETWEEN"
    label = "is between"
    phrase = "is between {low} and {high}"
    day_phrase = "is between {low} and the end of {high}"
    types = NUMBER_TYPES | TEMPORAL_TYPES
    operand_kind = RANGE
    examples = (
        Example(1, [1, 3], True),
        Example(3, [1, 3], True),
        Example(3.1, [1, 3], False),
        Example([0, 9], [1, 3], False),
        Example([0, 2], [1, 3], True),
        Example("2", [1, 3], False),
        Example(None, [1, 3], False),
        Example("2026-03-29T00:00:00Z", _TWO_DAYS, True, AttributeType.DATETIME),
        Example("2026-03-30T23:59:59.999Z", _TWO_DAYS, True, AttributeType.DATETIME),
        Example("2026-03-31T00:00:00Z", _TWO_DAYS, False, AttributeType.DATETIME),
        Example("2026-03-28T23:59:59.999Z", _TWO_DAYS, False, AttributeType.DATETIME),
    )

    def query(self, path: str, operand: Operand, now: Now) -> Query:
        if operand.type in TEMPORAL_TYPES:
            return span_query(path, self.span(operand, operand.ordering(now), now), operand)
        low, high = operand.value
        return range_query(path, low, high, operand, closed=True)

    def element_test(self, operand: Operand, now: Now) -> ElementTest:
        is_at_least_low, is_at_most_high = self.bound_tests(operand, now)
        return lambda element: is_at_least_low(element) and is_at_most_high(element)

    def bound_tests(self, operand: Operand, now: Now) -> BoundTests:
        if operand.type in TEMPORAL_TYPES:
            return span_bound_tests(*self.span(operand, operand.ordering(now), now))
        low, high = operand.value
        return (
            lambda element: is_number(element) and low <= element,
            lambda element: is_number(element) and element <= high,
        )

    def span(self, operand: Operand, ordering: Ordering, now: Now) -> ClosedSpan:
        """The range of stored dates or datetimes that match."""
        return ordering.span(*operand.value)


BETWEEN = Between()
