"""Operators that compare calendar days in the project's time zone."""

from collections.abc import Iterator
from datetime import date, datetime

from app.filters.calendar import DAY, Calendar, Now, Ordering, years_before
from app.filters.fields import AttributeType
from app.filters.operators.instants import SlidingRangeOperator, TimeRangeOperator
from app.filters.operators.operator import Example, Operand
from app.filters.operators.spans import Span
from app.filters.operators.window_changes import next_day_window_changes, window_by_day
from app.filters.values import CALENDAR_DAY, DAYS, PERIOD, YEARS

_DATE = AttributeType.DATE
_DATETIME = AttributeType.DATETIME


class CalendarDayOperator(SlidingRangeOperator):
    """Matches a date or datetime on one of several consecutive days, which depend on today."""

    def day_window(
        self, operand: Operand, today: date, calendar: Calendar
    ) -> tuple[date | None, date]:
        """The first day, or None if there is no lower bound, and the day after the last day."""
        raise NotImplementedError

    def span(self, operand: Operand, ordering: Ordering, now: Now) -> Span:
        first_day, end_day = self.day_window(operand, now.calendar.day_of(now.at), now.calendar)
        return None if first_day is None else ordering.first_at_or_after(
            first_day
        ), ordering.first_at_or_after(end_day)

    def next_changes(
        self, stored: object, operand: Operand, now: Now, until: datetime
    ) -> Iterator[datetime]:
        values = self.reachable_values(stored, operand, now, until)
        days = map(operand.ordering(now).to_day, values)
        return next_day_window_changes(
            days, window_by_day(self.day_window, operand, now.calendar), now, until
        )


class On(TimeRangeOperator):
    """The value falls on the given calendar day.

    A datetime falls on its calendar day in the project's time zone.
    """

    name = "ON"
    label = "is on"
    phrase = "is on {value}"
    operand_kind = CALENDAR_DAY
    examples = (
        Example("2026-03-29T00:00:00Z", "2026-03-29", True, _DATETIME),
        Example("2026-03-29T23:59:59.999Z", "2026-03-29", True, _DATETIME),
        Example("2026-03-28T23:59:59.999Z", "2026-03-29", False, _DATETIME),
        Example("2026-03-30T00:00:00Z", "2026-03-29", False, _DATETIME),
        Example("2026-03-29", "2026-03-29", True, _DATE),
        Example("2026-03-30", "2026-03-29", False, _DATE),
        Example(["2026-03-28", "2026-03-30"], "2026-03-29", False, _DATE),
        Example("2026-03-29", "2026-03-29", False),
        Example(None, "2026-03-29", False, _DATE),
    )

    def span(self, operand: Operand, ordering: Ordering, now: Now) -> Span:
        return ordering.span(operand.value, operand.value)


ON = On()


# The examples of time-dependent operators are evaluated on 2026-03-29, a Sunday.
class DaysAgo(CalendarDayOperator):
    """The value falls on the calendar day that is the given number of days before today.

    0 means today. A datetime falls on its calendar day in the project's time zone.
    """

    name = "DAYS_AGO"
    label = "is exactly … days ago"
    phrase = "is on the day {value} ago"
    operand_kind = DAYS
    examples = (
        Example("2026-03-27T00:00:00Z", 2, True, _DATETIME),
        Example("2026-03-27T23:59:59.999Z", 2, True, _DATETIME),
        Example("2026-03-28T00:00:00Z", 2, False, _DATETIME),
        Example("2026-03-29T23:00:00Z", 0, True, _DATETIME),
        Example("2026-02-27", 30, True, _DATE),
        Example("2026-02-28", 30, False, _DATE),
        Example(None, 0, False, _DATE),
    )

    def day_window(self, operand: Operand, today: date, calendar: Calendar) -> tuple[date, date]:
        day = today - operand.value
        return day, day + DAY


DAYS_AGO = DaysAgo()


class DaysAhead(CalendarDayOperator):
    """The value falls on the calendar day that is the given number of days after today.

    0 means today. A datetime falls on its calendar day in the project's time zone.
    """

    name = "DAYS_AHEAD"
    label = "is exactly … days ahead"
    phrase = "is on the day {value} ahead"
    operand_kind = DAYS
    examples = (
        Example("2026-03-31T00:00:00Z", 2, True, _DATETIME),
        Example("2026-03-30T23:59:59.999Z", 2, False, _DATETIME),
        Example("2026-03-29", 0, True, _DATE),
        Example("2026-04-28", 30, True, _DATE),
        Example("2026-02-27", 30, False, _DATE),
    )

    def day_window(self, operand: Operand, today: date, calendar: Calendar) -> tuple[date, date]:
        day = today + operand.value
        return day, day + DAY


DAYS_AHEAD = DaysAhead()


class InPeriod(CalendarDayOperator):
    """The value falls on a day of the given calendar period.

    The project's settings decide on which day a week starts. A datetime falls on its calendar day
    in the project's time zone.
    """

    name = "IN_PERIOD"
    label = "is in the period"
    phrase = "is {value}"
    operand_kind = PERIOD
    examples = (
        Example("2026-03-29T00:00:00Z", "TODAY", True, _DATETIME),
        Example("2026-03-30T00:00:00Z", "TODAY", False, _DATETIME),
        Example("2026-03-28", "YESTERDAY", True, _DATE),
        Example("2026-03-30", "TOMORROW", True, _DATE),
        Example("2026-03-23", "THIS_WEEK", True, _DATE),
        Example("2026-03-30", "THIS_WEEK", False, _DATE),
        Example("2026-03-22T23:59:59.999Z", "LAST_WEEK", True, _DATETIME),
        Example("2026-04-05", "NEXT_WEEK", True, _DATE),
        Example("2026-03-31", "THIS_MONTH", True, _DATE),
        Example("2026-02-28", "LAST_MONTH", True, _DATE),
        Example("2026-04-30", "NEXT_MONTH", True, _DATE),
        Example("2026-01-01T00:00:00Z", "THIS_YEAR", True, _DATETIME),
        Example("2025-12-31T23:59:59.999Z", "LAST_YEAR", True, _DATETIME),
        Example("2027-12-31", "NEXT_YEAR", True, _DATE),
        Example("2028-01-01", "NEXT_YEAR", False, _DATE),
    )

    def day_window(self, operand: Operand, today: date, calendar: Calendar) -> tuple[date, date]:
        return calendar.period_bounds(operand.value, today)


IN_PERIOD = InPeriod()


class YearsAgo(CalendarDayOperator):
    """The value is the given number of full years ago, counted like a person's age.

    A value in the future never matches. A datetime counts as its calendar day in the project's
    time zone. A date on 29 February completes a year on 28 February if the year is not a leap year.
    """

    name = "YEARS_AGO"
    label = "is … full years ago"
    phrase = "is {value} ago"
    operand_kind = YEARS
    examples = (
        Example("2008-03-29", 18, True, _DATE),
        Example("2008-03-30", 18, False, _DATE),
        Example("2007-03-30", 18, True, _DATE),
        Example("2007-03-29", 18, False, _DATE),
        Example("2026-03-29T23:59:59.999Z", 0, True, _DATETIME),
        Example("2026-03-30T00:00:00Z", 0, False, _DATETIME),
        Example("1996-03-29", [18, 30], True, _DATE),
        Example("1995-03-29", [18, 30], False, _DATE),
        Example("1930-01-01", [18, None], True, _DATE),
        Example("2008-03-30", [None, 17], True, _DATE),
        Example("2026-03-30", [None, 17], False, _DATE),
        Example(None, [None, 17], False, _DATE),
    )

    def day_window(
        self, operand: Operand, today: date, calendar: Calendar
    ) -> tuple[date | None, date]:
        minimum, maximum = operand.value.minimum, operand.value.maximum
        first_day = None if maximum is None else years_before(today, maximum + 1) + DAY
        return first_day, years_before(today, minimum or 0) + DAY


YEARS_AGO = YearsAgo()
