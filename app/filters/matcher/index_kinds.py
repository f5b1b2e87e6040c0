"""Chooses the kind of index for a condition, and computes what the condition adds to it."""

from collections.abc import Callable
from enum import Enum, auto
from typing import Any

from app.filters.calendar import MILLISECOND, Now
from app.filters.fields import TEMPORAL_TYPES, AttributeType
from app.filters.matcher.interval_index import Endpoint, Interval
from app.filters.operators import Operator
from app.filters.operators.equality import IN, IS
from app.filters.operators.instants import (
    RelativeTimeOperator,
    SlidingRangeOperator,
    TimeRangeOperator,
)
from app.filters.operators.numbers import (
    BETWEEN,
    GREATER_THAN,
    GREATER_THAN_OR_EQUAL,
    LESS_THAN,
    LESS_THAN_OR_EQUAL,
)
from app.filters.operators.spans import Span, equal_spans
from app.filters.tree import AttributeCondition, EventCondition

IndexableCondition = AttributeCondition | EventCondition


class IndexKind(Enum):
    """The kinds of indexes that answer many conditions at once."""

    EQUALITY = auto()
    EQUALITY_IGNORING_CASE = auto()
    NUMBER_RANGES = auto()
    TIME_RANGES = auto()
    INSTANT_OFFSETS = auto()
    DATE_OFFSETS = auto()


_NUMBER_INTERVALS: dict[Operator, Callable[[Any], Interval]] = {
    GREATER_THAN: lambda bound: Interval((bound, True), None),
    GREATER_THAN_OR_EQUAL: lambda bound: Interval((bound, False), None),
    LESS_THAN: lambda bound: Interval(None, (bound, False)),
    LESS_THAN_OR_EQUAL: lambda bound: Interval(None, (bound, True)),
    BETWEEN: lambda bounds: Interval((bounds[0], False), (bounds[1], True)),
    IS: lambda value: Interval((value, False), (value, True)),
}


def choose_index_kind(condition: AttributeCondition) -> IndexKind | None:
    """The kind of index that answers the condition; None if the condition needs its own evaluation.

    The condition's operator must not be one that negates another.
    """
    operator, operand = condition.operator, condition.operand
    if operator in (IS, IN) and operand.type not in TEMPORAL_TYPES:
        return IndexKind.EQUALITY_IGNORING_CASE if operand.ignore_case else IndexKind.EQUALITY
    if operand.type in TEMPORAL_TYPES:
        if isinstance(operator, RelativeTimeOperator):
            is_date = operand.type is AttributeType.DATE
            return IndexKind.DATE_OFFSETS if is_date else IndexKind.INSTANT_OFFSETS
        is_fixed_range = isinstance(operator, TimeRangeOperator) and not isinstance(
            operator, SlidingRangeOperator
        )
        return IndexKind.TIME_RANGES if is_fixed_range or operator in (IS, IN, BETWEEN) else None
    return IndexKind.NUMBER_RANGES if operator in _NUMBER_INTERVALS else None


def equality_values(condition: IndexableCondition) -> tuple[Any, ...]:
    """The values of which the stored value must equal one."""
    value = condition.operand.value
    return value if condition.operator is IN else (value,)


def number_interval(condition: IndexableCondition) -> Interval:
    """The interval in which a number must lie."""
    return _NUMBER_INTERVALS[condition.operator](condition.operand.value)


def time_intervals(condition: IndexableCondition, now: Now) -> list[Interval]:
    """The intervals in which a stored date or datetime may lie, in the calendar of `now`."""
    operator, operand = condition.operator, condition.operand
    if operator in (IS, IN):
        spans = equal_spans(equality_values(condition), operand.ordering_class, now.calendar)
        return [Interval((start, False), (end, False)) for start, end in spans]
    span: Callable[..., Span] = operator.span  # type: ignore[attr-defined]
    start, end = span(operand, operand.ordering(now), now)
    return [Interval(_to_endpoint(start), _to_endpoint(end))]


def offset_interval(condition: IndexableCondition) -> Interval:
    """The interval in which the offset of a date or datetime from now must lie."""
    operator = condition.operator
    assert isinstance(operator, RelativeTimeOperator)
    start, end = operator.offset_bounds(condition.operand.value)
    if operator.closed:
        return Interval(
            _to_endpoint(start), None if end is None else _to_endpoint(end + MILLISECOND)
        )
    return Interval(None if start is None else _to_endpoint(start + MILLISECOND), _to_endpoint(end))


def _to_endpoint(value: Any) -> Endpoint | None:
    return None if value is None else (value, False)
