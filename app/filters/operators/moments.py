"""Before and after; within the last and more than so long ago."""

from datetime import datetime

from app.filters.calendar import Line, Now
from app.filters.fields import AttributeType
from app.filters.operators.operator import (
    MOMENTS,
    ElementOperator,
    Example,
    Operand,
    Query,
    Test,
    between,
)
from app.filters.values import DURATION, MOMENT

Span = tuple[datetime | None, datetime | None]
"""Stored values from the first on, before the second; None is without an end."""

_DAY, _INSTANT = AttributeType.DATE, AttributeType.DATETIME


def span_query(path: str, span: Span, operand: Operand) -> Query:
    return between(path, *span, operand, closed=False)


def in_span(span: Span) -> Test:
    low, high = span

    def inside(element: object) -> bool:
        return (
            isinstance(element, datetime)
            and (low is None or low <= element)
            and (high is None or element < high)
        )

    return inside


class MomentOperator(ElementOperator):
    """A date or datetime that lies in one span of time."""

    types = MOMENTS

    def span(self, operand: Operand, line: Line, now: Now) -> Span:
        """Where the stored value must lie."""
        raise NotImplementedError

    def query(self, path: str, operand: Operand, now: Now) -> Query:
        return span_query(path, self.span(operand, operand.line(now), now), operand)

    def test(self, operand: Operand, now: Now) -> Test:
        return in_span(self.span(operand, operand.line(now), now))


class Before(MomentOperator):
    """Earlier than the moment; a date is its local midnight."""

    name = "BEFORE"
    label = "is before"
    phrase = "is before {value}"
    takes = MOMENT
    examples = (
        Example("2026-03-28T23:59:59.999Z", "2026-03-29", True, _INSTANT),
        Example("2026-03-29T00:00:00Z", "2026-03-29", False, _INSTANT),
        Example("2026-03-28", "2026-03-29", True, _DAY),
        Example("2026-03-28", "2026-03-29", False),
        Example(None, "2026-03-29", False, _DAY),
    )

    def span(self, operand: Operand, line: Line, now: Now) -> Span:
        return None, line.first_from(operand.value)


BEFORE = Before()


class After(MomentOperator):
    """Later than the moment; a date is its local midnight."""

    name = "AFTER"
    label = "is after"
    phrase = "is after {value}"
    takes = MOMENT
    examples = (
        Example("2026-03-29T00:00:00.001Z", "2026-03-29", True, _INSTANT),
        Example("2026-03-29T00:00:00Z", "2026-03-29", False, _INSTANT),
        Example("2026-03-29", "2026-03-29", False, _DAY),
        Example("2026-03-30", "2026-03-29", True, _DAY),
        Example("2026-03-29", "2026-03-28T12:00:00Z", True, _DAY),
    )

    def span(self, operand: Operand, line: Line, now: Now) -> Span:
        return line.first_after(operand.value), None


AFTER = After()


class OnOrBefore(MomentOperator):
    """Not later than the moment; a date is its local midnight."""

    name = "ON_OR_BEFORE"
    label = "is on or before"
    phrase = "is on or before {value}"
    takes = MOMENT
    examples = (
        Example("2026-03-29T00:00:00Z", "2026-03-29", True, _INSTANT),
        Example("2026-03-29T00:00:00.001Z", "2026-03-29", False, _INSTANT),
        Example("2026-03-29", "2026-03-29", True, _DAY),
        Example("2026-03-30", "2026-03-29T12:00:00Z", False, _DAY),
    )

    def span(self, operand: Operand, line: Line, now: Now) -> Span:
        return None, line.first_after(operand.value)


ON_OR_BEFORE = OnOrBefore()


class OnOrAfter(MomentOperator):
    """Not earlier than the moment; a date is its local midnight."""

    name = "ON_OR_AFTER"
    label = "is on or after"
    phrase = "is on or after {value}"
    takes = MOMENT
    examples = (
        Example("2026-03-29T00:00:00Z", "2026-03-29", True, _INSTANT),
        Example("2026-03-28T23:59:59.999Z", "2026-03-29", False, _INSTANT),
        Example("2026-03-29", "2026-03-29", True, _DAY),
        Example("2026-03-29", "2026-03-29T12:00:00Z", False, _DAY),
    )

    def span(self, operand: Operand, line: Line, now: Now) -> Span:
        return line.first_from(operand.value), None


ON_OR_AFTER = OnOrAfter()


# The examples of the operators that follow the clock are asked on 2026-03-29 at 12:00 UTC.
class WithinLast(MomentOperator):
    """From so long ago until now."""

    name = "WITHIN_LAST"
    label = "is within the last"
    phrase = "is within the last {value}"
    takes = DURATION
    examples = (
        Example("2026-03-28T12:00:00Z", "P1D", True, _INSTANT),
        Example("2026-03-28T11:59:59.999Z", "P1D", False, _INSTANT),
        Example("2026-03-29T12:00:00Z", "P1D", True, _INSTANT),
        Example("2026-03-29T12:00:00.001Z", "P1D", False, _INSTANT),
        Example("2026-03-29", "PT12H", True, _DAY),
        Example("2026-03-29", "PT11H", False, _DAY),
        Example("2026-03-29T11:59:59Z", "P1D", False),
    )

    def span(self, operand: Operand, line: Line, now: Now) -> Span:
        return line.first_from(now.at - operand.value), line.first_after(now.at)


WITHIN_LAST = WithinLast()


class MoreThanAgo(MomentOperator):
    """Longer ago than that."""

    name = "MORE_THAN_AGO"
    label = "is more than … ago"
    phrase = "is more than {value} ago"
    takes = DURATION
    examples = (
        Example("2026-03-28T11:59:59.999Z", "P1D", True, _INSTANT),
        Example("2026-03-28T12:00:00Z", "P1D", False, _INSTANT),
        Example(None, "P1D", False, _INSTANT),
    )

    def span(self, operand: Operand, line: Line, now: Now) -> Span:
        return None, line.first_from(now.at - operand.value)


MORE_THAN_AGO = MoreThanAgo()


class WithinNext(MomentOperator):
    """From now until so long ahead."""

    name = "WITHIN_NEXT"
    label = "is within the next"
    phrase = "is within the next {value}"
    takes = DURATION
    examples = (
        Example("2026-03-29T12:00:00Z", "P1D", True, _INSTANT),
        Example("2026-03-30T12:00:00Z", "P1D", True, _INSTANT),
        Example("2026-03-30T12:00:00.001Z", "P1D", False, _INSTANT),
        Example("2026-03-30", "P1D", True, _DAY),
        Example("2026-03-29", "P1D", False, _DAY),
    )

    def span(self, operand: Operand, line: Line, now: Now) -> Span:
        return line.first_from(now.at), line.first_after(now.at + operand.value)


WITHIN_NEXT = WithinNext()


class MoreThanAhead(MomentOperator):
    """Further ahead than that."""

    name = "MORE_THAN_AHEAD"
    label = "is more than … ahead"
    phrase = "is more than {value} ahead"
    takes = DURATION
    examples = (
        Example("2026-03-30T12:00:00.001Z", "P1D", True, _INSTANT),
        Example("2026-03-30T12:00:00Z", "P1D", False, _INSTANT),
    )

    def span(self, operand: Operand, line: Line, now: Now) -> Span:
        return line.first_after(now.at + operand.value), None


MORE_THAN_AHEAD = MoreThanAhead()
