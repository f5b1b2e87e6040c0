"""Operators that compare dates and datetimes with an instant, or with a duration from now."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import ClassVar

from app.filters.calendar import MILLISECOND, Now, Ordering
from app.filters.fields import TEMPORAL_TYPES, AttributeType
from app.filters.operators import window_changes
from app.filters.operators.operator import (
    BoundTests,
    ElementOperator,
    ElementTest,
    Example,
    Operand,
    Query,
    elements,
)
from app.filters.operators.spans import Span, span_bound_tests, span_query, span_test
from app.filters.values import DURATION, MOMENT

_DATE = AttributeType.DATE
_DATETIME = AttributeType.DATETIME


class TimeRangeOperator(ElementOperator):
    """Matches a date or datetime that lies in one span of time."""

    types = TEMPORAL_TYPES

    def span(self, operand: Operand, ordering: Ordering, now: Now) -> Span:
        """The range of stored values that match."""
        raise NotImplementedError

    def query(self, path: str, operand: Operand, now: Now) -> Query:
        return span_query(path, self.span(operand, operand.ordering(now), now), operand)

    def element_test(self, operand: Operand, now: Now) -> ElementTest:
        return span_test(self.span(operand, operand.ordering(now), now))

    def bound_tests(self, operand: Operand, now: Now) -> BoundTests | None:
        low, high = self.span(operand, operand.ordering(now), now)
        return None if low is None or high is None else span_bound_tests(low, high)


class Before(TimeRangeOperator):
    """The value is earlier than the given date or datetime.

    A date starts at its midnight in the project's time zone.
    """

    name = "BEFORE"
    label = "is before"
    phrase = "is before {value}"
    operand_kind = MOMENT
    examples = (
        Example("2026-03-28T23:59:59.999Z", "2026-03-29", True, _DATETIME),
        Example("2026-03-29T00:00:00Z", "2026-03-29", False, _DATETIME),
        Example("2026-03-28", "2026-03-29", True, _DATE),
        Example("2026-03-28", "2026-03-29", False),
        Example(None, "2026-03-29", False, _DATE),
    )

    def span(self, operand: Operand, ordering: Ordering, now: Now) -> Span:
        return None, ordering.first_at_or_after(operand.value)


BEFORE = Before()


class After(TimeRangeOperator):
    """The value is later than the given date or datetime.

    A datetime is later than a date once the whole day is over in the project's time zone. A stored
    date counts as its midnight.
    """

    name = "AFTER"
    label = "is after"
    phrase = "is after {value}"
    day_phrase = "is after the end of {value}"
    operand_kind = MOMENT
    examples = (
        Example("2026-03-30T00:00:00Z", "2026-03-29", True, _DATETIME),
        Example("2026-03-29T23:59:59.999Z", "2026-03-29", False, _DATETIME),
        Example("2026-03-29T00:00:00.001Z", "2026-03-29T00:00:00Z", True, _DATETIME),
        Example("2026-03-29T00:00:00Z", "2026-03-29T00:00:00Z", False, _DATETIME),
        Example("2026-03-29", "2026-03-29", False, _DATE),
        Example("2026-03-30", "2026-03-29", True, _DATE),
        Example("2026-03-29", "2026-03-28T12:00:00Z", True, _DATE),
    )

    def span(self, operand: Operand, ordering: Ordering, now: Now) -> Span:
        return ordering.first_after(operand.value), None


AFTER = After()


class OnOrBefore(TimeRangeOperator):
    """The value is not later than the given date or datetime.

    A date includes the whole day in the project's time zone. A stored date counts as its midnight.
    """

    name = "ON_OR_BEFORE"
    label = "is on or before"
    phrase = "is on or before {value}"
    operand_kind = MOMENT
    examples = (
        Example("2026-03-29T23:59:59.999Z", "2026-03-29", True, _DATETIME),
        Example("2026-03-30T00:00:00Z", "2026-03-29", False, _DATETIME),
        Example("2026-03-29T00:00:00Z", "2026-03-29T00:00:00Z", True, _DATETIME),
        Example("2026-03-29T00:00:00.001Z", "2026-03-29T00:00:00Z", False, _DATETIME),
        Example("2026-03-29", "2026-03-29", True, _DATE),
        Example("2026-03-30", "2026-03-29T12:00:00Z", False, _DATE),
    )

    def span(self, operand: Operand, ordering: Ordering, now: Now) -> Span:
        return None, ordering.first_after(operand.value)


ON_OR_BEFORE = OnOrBefore()


class OnOrAfter(TimeRangeOperator):
    """The value is not earlier than the given date or datetime.

    A date starts at its midnight in the project's time zone.
    """

    name = "ON_OR_AFTER"
    label = "is on or after"
    phrase = "is on or after {value}"
    operand_kind = MOMENT
    examples = (
        Example("2026-03-29T00:00:00Z", "2026-03-29", True, _DATETIME),
        Example("2026-03-28T23:59:59.999Z", "2026-03-29", False, _DATETIME),
        Example("2026-03-29", "2026-03-29", True, _DATE),
        Example("2026-03-29", "2026-03-29T12:00:00Z", False, _DATE),
    )

    def span(self, operand: Operand, ordering: Ordering, now: Now) -> Span:
        return ordering.first_at_or_after(operand.value), None


ON_OR_AFTER = OnOrAfter()


class SlidingRangeOperator(TimeRangeOperator):
    """Matches a date or datetime in a span that slides with the current time.

    As time passes, neither end of the span moves back.
    """

    is_time_dependent = True

    def reachable_values(
        self, stored: object, operand: Operand, now: Now, until: datetime
    ) -> list[datetime]:
        """The stored values that lie in the span at some instant from `now` to `until`.

        No other value can change the answer in that time.
        """
        ordering = operand.ordering(now)
        low, _ = self.span(operand, ordering, now)
        _, high = self.span(operand, ordering, replace(now, at=until))
        test = span_test((low, high))
        return [value for value in elements(stored) if isinstance(value, datetime) and test(value)]


class RelativeTimeOperator(SlidingRangeOperator):
    """Matches a date or datetime whose offset from now lies between two bounds."""

    operand_kind = DURATION
    # Whether the bounds themselves match.
    closed: ClassVar[bool]

    def offset_bounds(self, duration: timedelta) -> tuple[timedelta | None, timedelta | None]:
        """The bounds as offsets from now. Negative is in the past, None is unbounded."""
        raise NotImplementedError

    def span(self, operand: Operand, ordering: Ordering, now: Now) -> Span:
        low, high = self.offset_bounds(operand.value)
        first_from, first_after = ordering.first_at_or_after, ordering.first_after
        first_in_span, end_of_span = (
            (first_from, first_after) if self.closed else (first_after, first_from)
        )
        return (
            None if low is None else first_in_span(now.at + low),
            None if high is None else end_of_span(now.at + high),
        )

    def next_changes(
        self, stored: object, operand: Operand, now: Now, until: datetime
    ) -> Iterator[datetime]:
        low, high = self.offset_bounds(operand.value)
        no_delay, one_millisecond = timedelta(), MILLISECOND
        entry_delay, exit_delay = (
            (no_delay, one_millisecond) if self.closed else (one_millisecond, no_delay)
        )

        def enters_at(instant: datetime) -> datetime:
            return now.at if high is None else instant - high + entry_delay

        def leaves_at(instant: datetime) -> datetime:
            return window_changes.NEVER if low is None else instant - low + exit_delay

        values = self.reachable_values(stored, operand, now, until)
        return window_changes.next_window_changes(
            map(operand.ordering(now).to_instant, values), enters_at, leaves_at, now, until
        )


# The examples of time-dependent operators are evaluated on 2026-03-29 at 12:00 UTC.
class WithinLast(RelativeTimeOperator):
    """The value is in the past, at most the given duration ago. Now itself counts.

    A date counts as its midnight in the project's time zone.
    """

    name = "WITHIN_LAST"
    label = "is within the last"
    phrase = "is within the last {value}"
    closed = True
    examples = (
        Example("2026-03-28T12:00:00Z", "P1D", True, _DATETIME),
        Example("2026-03-28T11:59:59.999Z", "P1D", False, _DATETIME),
        Example("2026-03-29T12:00:00Z", "P1D", True, _DATETIME),
        Example("2026-03-29T12:00:00.001Z", "P1D", False, _DATETIME),
        Example("2026-03-29", "PT12H", True, _DATE),
        Example("2026-03-29", "PT11H", False, _DATE),
        Example("2026-03-29T11:59:59Z", "P1D", False),
    )

    def offset_bounds(self, duration: timedelta) -> tuple[timedelta, timedelta]:
        return -duration, timedelta()


WITHIN_LAST = WithinLast()


class MoreThanAgo(RelativeTimeOperator):
    """The value is more than the given duration ago.

    A date counts as its midnight in the project's time zone.
    """

    name = "MORE_THAN_AGO"
    label = "is more than … ago"
    phrase = "is more than {value} ago"
    closed = False
    examples = (
        Example("2026-03-28T11:59:59.999Z", "P1D", True, _DATETIME),
        Example("2026-03-28T12:00:00Z", "P1D", False, _DATETIME),
        Example(None, "P1D", False, _DATETIME),
    )

    def offset_bounds(self, duration: timedelta) -> tuple[None, timedelta]:
        return None, -duration


MORE_THAN_AGO = MoreThanAgo()


class WithinNext(RelativeTimeOperator):
    """The value is in the future, at most the given duration ahead. Now itself counts.

    A date counts as its midnight in the project's time zone.
    """

    name = "WITHIN_NEXT"
    label = "is within the next"
    phrase = "is within the next {value}"
    closed = True
    examples = (
        Example("2026-03-29T12:00:00Z", "P1D", True, _DATETIME),
        Example("2026-03-30T12:00:00Z", "P1D", True, _DATETIME),
        Example("2026-03-30T12:00:00.001Z", "P1D", False, _DATETIME),
        Example("2026-03-30", "P1D", True, _DATE),
        Example("2026-03-29", "P1D", False, _DATE),
    )

    def offset_bounds(self, duration: timedelta) -> tuple[timedelta, timedelta]:
        return timedelta(), duration


WITHIN_NEXT = WithinNext()


class MoreThanAhead(RelativeTimeOperator):
    """The value is more than the given duration ahead.

    A date counts as its midnight in the project's time zone.
    """

    name = "MORE_THAN_AHEAD"
    label = "is more than … ahead"
    phrase = "is more than {value} ahead"
    closed = False
    examples = (
        Example("2026-03-30T12:00:00.001Z", "P1D", True, _DATETIME),
        Example("2026-03-30T12:00:00Z", "P1D", False, _DATETIME),
    )

    def offset_bounds(self, duration: timedelta) -> tuple[timedelta, None]:
        return duration, None


MORE_THAN_AHEAD = MoreThanAhead()
