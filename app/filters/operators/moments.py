"""Before and after; within the last and more than so long ago."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import ClassVar

from app.filters.calendar import MILLISECOND, Line, Now
from app.filters.fields import AttributeType
from app.filters.operators import passing
from app.filters.operators.operator import (
    MOMENTS,
    ElementOperator,
    Example,
    Halves,
    Operand,
    Query,
    Test,
    between,
    elements,
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


def halves_of(low: datetime, high: datetime) -> Halves:
    return in_span((low, None)), in_span((None, high))


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

    def halves(self, operand: Operand, now: Now) -> Halves | None:
        low, high = self.span(operand, operand.line(now), now)
        return None if low is None or high is None else halves_of(low, high)


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


class ClockOperator(MomentOperator):
    """A date or datetime that lies in a span of which no end ever moves back with the clock."""

    follows_clock = True

    def within_reach(
        self, stored: object, operand: Operand, now: Now, until: datetime
    ) -> list[datetime]:
        """The values that are in the span at some time: the others never change an answer."""
        line = operand.line(now)
        low, _ = self.span(operand, line, now)
        _, high = self.span(operand, line, replace(now, at=until))
        test = in_span((low, high))
        return [each for each in elements(stored) if isinstance(each, datetime) and test(each)]


class DistanceOperator(ClockOperator):
    """A date or datetime whose distance from now lies between two ends."""

    takes = DURATION
    # Whether the ends themselves belong to it.
    closed: ClassVar[bool]

    def ends(self, length: timedelta) -> tuple[timedelta | None, timedelta | None]:
        """The ends as distances from now, below zero where they are past; None is without one."""
        raise NotImplementedError

    def span(self, operand: Operand, line: Line, now: Now) -> Span:
        low, high = self.ends(operand.value)
        at, after = line.first_from, line.first_after
        first, end = (at, after) if self.closed else (after, at)
        return (
            None if low is None else first(now.at + low),
            None if high is None else end(now.at + high),
        )

    def flips(
        self, stored: object, operand: Operand, now: Now, until: datetime
    ) -> Iterator[datetime]:
        low, high = self.ends(operand.value)
        at, after = timedelta(), MILLISECOND
        entry, exit_ = (at, after) if self.closed else (after, at)

        def enters(instant: datetime) -> datetime:
            return now.at if high is None else instant - high + entry

        def leaves(instant: datetime) -> datetime:
            return passing.NEVER if low is None else instant - low + exit_

        values = self.within_reach(stored, operand, now, until)
        return passing.flips(map(operand.line(now).instant, values), enters, leaves, now, until)


# The examples of the operators that follow the clock are asked on 2026-03-29 at 12:00 UTC.
class WithinLast(DistanceOperator):
    """From so long ago until now."""

    name = "WITHIN_LAST"
    label = "is within the last"
    phrase = "is within the last {value}"
    closed = True
    examples = (
        Example("2026-03-28T12:00:00Z", "P1D", True, _INSTANT),
        Example("2026-03-28T11:59:59.999Z", "P1D", False, _INSTANT),
        Example("2026-03-29T12:00:00Z", "P1D", True, _INSTANT),
        Example("2026-03-29T12:00:00.001Z", "P1D", False, _INSTANT),
        Example("2026-03-29", "PT12H", True, _DAY),
        Example("2026-03-29", "PT11H", False, _DAY),
        Example("2026-03-29T11:59:59Z", "P1D", False),
    )

    def ends(self, length: timedelta) -> tuple[timedelta, timedelta]:
        return -length, timedelta()


WITHIN_LAST = WithinLast()


class MoreThanAgo(DistanceOperator):
    """Longer ago than that."""

    name = "MORE_THAN_AGO"
    label = "is more than … ago"
    phrase = "is more than {value} ago"
    closed = False
    examples = (
        Example("2026-03-28T11:59:59.999Z", "P1D", True, _INSTANT),
        Example("2026-03-28T12:00:00Z", "P1D", False, _INSTANT),
        Example(None, "P1D", False, _INSTANT),
    )

    def ends(self, length: timedelta) -> tuple[None, timedelta]:
        return None, -length


MORE_THAN_AGO = MoreThanAgo()


class WithinNext(DistanceOperator):
    """From now until so long ahead."""

    name = "WITHIN_NEXT"
    label = "is within the next"
    phrase = "is within the next {value}"
    closed = True
    examples = (
        Example("2026-03-29T12:00:00Z", "P1D", True, _INSTANT),
        Example("2026-03-30T12:00:00Z", "P1D", True, _INSTANT),
        Example("2026-03-30T12:00:00.001Z", "P1D", False, _INSTANT),
        Example("2026-03-30", "P1D", True, _DAY),
        Example("2026-03-29", "P1D", False, _DAY),
    )

    def ends(self, length: timedelta) -> tuple[timedelta, timedelta]:
        return timedelta(), length


WITHIN_NEXT = WithinNext()


class MoreThanAhead(DistanceOperator):
    """Further ahead than that."""

    name = "MORE_THAN_AHEAD"
    label = "is more than … ahead"
    phrase = "is more than {value} ahead"
    closed = False
    examples = (
        Example("2026-03-30T12:00:00.001Z", "P1D", True, _INSTANT),
        Example("2026-03-30T12:00:00Z", "P1D", False, _INSTANT),
    )

    def ends(self, length: timedelta) -> tuple[timedelta, None]:
        return length, None


MORE_THAN_AHEAD = MoreThanAhead()
