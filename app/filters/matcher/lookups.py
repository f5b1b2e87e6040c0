"""How the conditions of a field are looked up together, told by their operators."""

from collections.abc import Callable
from enum import Enum, auto
from typing import Any

from app.filters.calendar import MILLISECOND, Now
from app.filters.fields import AttributeType
from app.filters.matcher.thresholds import End, Interval
from app.filters.operators import Operator
from app.filters.operators.equality import IN, IS
from app.filters.operators.moments import ClockOperator, DistanceOperator, MomentOperator
from app.filters.operators.numbers import (
    BETWEEN,
    GREATER_THAN,
    GREATER_THAN_OR_EQUAL,
    LESS_THAN,
    LESS_THAN_OR_EQUAL,
)
from app.filters.operators.operator import MOMENTS
from app.filters.tree import AttributeCondition, EventCondition

Known = AttributeCondition | EventCondition


class Lookup(Enum):
    """A way to look up many conditions at once."""

    VALUES = auto()
    FOLDED_VALUES = auto()
    NUMBERS = auto()
    MOMENTS = auto()
    DISTANCES = auto()
    DISTANCES_OF_DAYS = auto()


_NUMBERS: dict[Operator, Callable[[Any], Interval]] = {
    GREATER_THAN: lambda bound: Interval((bound, True), None),
    GREATER_THAN_OR_EQUAL: lambda bound: Interval((bound, False), None),
    LESS_THAN: lambda bound: Interval(None, (bound, False)),
    LESS_THAN_OR_EQUAL: lambda bound: Interval(None, (bound, True)),
    BETWEEN: lambda bounds: Interval((bounds[0], False), (bounds[1], True)),
    IS: lambda value: Interval((value, False), (value, True)),
}


def lookup(condition: AttributeCondition) -> Lookup | None:
    """How the condition, which is none that negates another, is looked up; None where it is asked
    by itself."""
    operator, operand = condition.operator, condition.operand
    if operator in (IS, IN) and operand.type not in MOMENTS:
        return Lookup.FOLDED_VALUES if operand.ignore_case else Lookup.VALUES
    if operand.type in MOMENTS:
        if isinstance(operator, DistanceOperator):
            of_days = operand.type is AttributeType.DATE
            return Lookup.DISTANCES_OF_DAYS if of_days else Lookup.DISTANCES
        steady = isinstance(operator, MomentOperator) and not isinstance(operator, ClockOperator)
        return Lookup.MOMENTS if steady or operator in (IS, IN, BETWEEN) else None
    return Lookup.NUMBERS if operator in _NUMBERS else None


def values(condition: Known) -> tuple[Any, ...]:
    """The values of which the stored one must be one."""
    value = condition.operand.value
    return value if condition.operator is IN else (value,)


def numbers(condition: Known) -> Interval:
    """Where a number must lie."""
    return _NUMBERS[condition.operator](condition.operand.value)


def moments(condition: Known, now: Now) -> list[Interval]:
    """Where a stored moment may lie, as the calendar of `now` has it."""
    operator, operand = condition.operator, condition.operand
    line = operand.line(now)
    if operator in (IS, IN):
        points = {point for value in values(condition) for point in line.points(value)}
        return [Interval((point, False), (point, True)) for point in points]
    span: Callable[..., tuple[Any, Any]] = operator.span  # type: ignore[attr-defined]
    start, end = span(operand, line, now)
    return [Interval(_at(start), _at(end))]


def distance(condition: Known) -> Interval:
    """Where the distance of a moment from now must lie."""
    operator = condition.operator
    assert isinstance(operator, DistanceOperator)
    start, end = operator.ends(condition.operand.value)
    if operator.closed:
        return Interval(_at(start), None if end is None else _at(end + MILLISECOND))
    return Interval(None if start is None else _at(start + MILLISECOND), _at(end))


def _at(value: Any) -> End | None:
    return None if value is None else (value, False)
