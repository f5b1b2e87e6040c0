"""More and less."""

import operator
from collections.abc import Callable
from datetime import datetime
from typing import Any, ClassVar

from app.filters.calendar import Line, Now
from app.filters.fields import is_number
from app.filters.operators.moments import halves_of, span_query
from app.filters.operators.operator import (
    MOMENTS,
    NUMBERS,
    ElementOperator,
    Example,
    Halves,
    Operand,
    Query,
    Test,
    between,
)
from app.filters.values import NUMBER, RANGE


class _Comparison(ElementOperator):
    """A number on one side of another."""

    types = NUMBERS
    takes = NUMBER
    comparison: ClassVar[str]
    compare: ClassVar[Callable[[Any, Any], bool]]

    def query(self, path: str, operand: Operand, now: Now) -> Query:
        return {path: {self.comparison: operand.value}}

    def test(self, operand: Operand, now: Now) -> Test:
        compare, bound = type(self).compare, operand.value
        return lambda e: is_number(e) and compare(e, bound)


class GreaterThan(_Comparison):
    """More than the number."""

    name = "GREATER_THAN"
    label = "is greater than"
    phrase = "is greater than {value}"
    comparison, compare = "$gt", operator.gt
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


class GreaterThanOrEqual(_Comparison):
    """The number or more."""

    name = "GREATER_THAN_OR_EQUAL"
    label = "is at least"
    phrase = "is at least {value}"
    comparison, compare = "$gte", operator.ge
    examples = (
        Example(5, 5, True),
        Example(0, 0, True),
        Example(4.999, 5, False),
        Example(None, 0, False),
    )


GREATER_THAN_OR_EQUAL = GreaterThanOrEqual()


class LessThan(_Comparison):
    """Less than the number."""

    name = "LESS_THAN"
    label = "is less than"
    phrase = "is less than {value}"
    comparison, compare = "$lt", operator.lt
    examples = (
        Example(-1, 0, True),
        Example(0, 0, False),
        Example(None, 1, False),
    )


LESS_THAN = LessThan()


class LessThanOrEqual(_Comparison):
    """The number or less."""

    name = "LESS_THAN_OR_EQUAL"
    label = "is at most"
    phrase = "is at most {value}"
    comparison, compare = "$lte", operator.le
    examples = (
        Example(0, 0, True),
        Example(1, 0, False),
        Example(None, 1, False),
    )


LESS_THAN_OR_EQUAL = LessThanOrEqual()


class Between(ElementOperator):
    """Not below the first value and not above the second."""

    name = "BETWEEN"
    label = "is between"
    phrase = "is between {low} and {high}"
    types = NUMBERS | MOMENTS
    takes = RANGE
    examples = (
        Example(1, [1, 3], True),
        Example(3, [1, 3], True),
        Example(3.1, [1, 3], False),
        Example([0, 9], [1, 3], False),
        Example([0, 2], [1, 3], True),
        Example("2", [1, 3], False),
        Example(None, [1, 3], False),
    )

    def query(self, path: str, operand: Operand, now: Now) -> Query:
        if operand.type in MOMENTS:
            return span_query(path, self.span(operand, operand.line(now), now), operand)
        low, high = operand.value
        return between(path, low, high, operand, closed=True)

    def test(self, operand: Operand, now: Now) -> Test:
        from_low, to_high = self.halves(operand, now)
        return lambda e: from_low(e) and to_high(e)

    def halves(self, operand: Operand, now: Now) -> Halves:
        if operand.type in MOMENTS:
            return halves_of(*self.span(operand, operand.line(now), now))
        low, high = operand.value
        return lambda e: is_number(e) and low <= e, lambda e: is_number(e) and e <= high

    def span(self, operand: Operand, line: Line, now: Now) -> tuple[datetime, datetime]:
        """Where the stored value must lie, of moments."""
        low, high = operand.value
        return line.first_from(low), line.first_after(high)


BETWEEN = Between()
