"""Which calendar day, of the project's time zone."""

from collections.abc import Iterator
from datetime import date, datetime

from app.filters.calendar import DAY, Calendar, Line, Now, years_before
from app.filters.fields import AttributeType
from app.filters.operators.moments import ClockOperator, MomentOperator, Span
from app.filters.operators.operator import Example, Operand
from app.filters.operators.passing import day_flips, windows
from app.filters.values import CALENDAR_DAY, DAYS, PERIOD, YEARS

_DAY, _INSTANT = AttributeType.DATE, AttributeType.DATETIME


class DayOperator(ClockOperator):
    """A date or datetime that lies on certain days, one after the other, seen from today."""

    def days(self, operand: Operand, today: date, calendar: Calendar) -> tuple[date | None, date]:
        """The first of the days, None without a beginning, and the day after the last one."""
        raise NotImplementedError

    def span(self, operand: Operand, line: Line, now: Now) -> Span:
        first, after = self.days(operand, now.calendar.day(now.at), now.calendar)
        return None if first is None else line.first_from(first), line.first_from(after)

    def flips(
        self, stored: object, operand: Operand, now: Now, until: datetime
    ) -> Iterator[datetime]:
        values = self.within_reach(stored, operand, now, until)
        days = map(operand.line(now).day, values)
        return day_flips(days, windows(self.days, operand, now.calendar), now, until)


class On(MomentOperator):
    """On that calendar day."""

    name = "ON"
    label = "is on"
    phrase = "is on {value}"
    takes = CALENDAR_DAY
    examples = (
        Example("2026-03-29T00:00:00Z", "2026-03-29", True, _INSTANT),
        Example("2026-03-29T23:59:59.999Z", "2026-03-29", True, _INSTANT),
        Example("2026-03-28T23:59:59.999Z", "2026-03-29", False, _INSTANT),
        Example("2026-03-30T00:00:00Z", "2026-03-29", False, _INSTANT),
        Example("2026-03-29", "2026-03-29", True, _DAY),
        Example("2026-03-30", "2026-03-29", False, _DAY),
        Example(["2026-03-28", "2026-03-30"], "2026-03-29", False, _DAY),
        Example("2026-03-29", "2026-03-29", False),
        Example(None, "2026-03-29", False, _DAY),
    )

    def span(self, operand: Operand, line: Line, now: Now) -> Span:
        return line.first_from(operand.value), line.first_from(operand.value + DAY)


ON = On()


# The examples of the operators that follow the clock are asked on 2026-03-29, a Sunday.
class DaysAgo(DayOperator):
    """On the calendar day exactly so many days before today; 0 is today."""

    name = "DAYS_AGO"
    label = "is exactly … days ago"
    phrase = "is on the day {value} ago"
    takes = DAYS
    examples = (
        Example("2026-03-27T00:00:00Z", 2, True, _INSTANT),
        Example("2026-03-27T23:59:59.999Z", 2, True, _INSTANT),
        Example("2026-03-28T00:00:00Z", 2, False, _INSTANT),
        Example("2026-03-29T23:00:00Z", 0, True, _INSTANT),
        Example("2026-02-27", 30, True, _DAY),
        Example("2026-02-28", 30, False, _DAY),
        Example(None, 0, False, _DAY),
    )

    def days(self, operand: Operand, today: date, calendar: Calendar) -> tuple[date, date]:
        day = today - operand.value
        return day, day + DAY


DAYS_AGO = DaysAgo()


class DaysAhead(DayOperator):
    """On the calendar day exactly so many days after today; 0 is today."""

    name = "DAYS_AHEAD"
    label = "is exactly … days ahead"
    phrase = "is on the day {value} ahead"
    takes = DAYS
    examples = (
        Example("2026-03-31T00:00:00Z", 2, True, _INSTANT),
        Example("2026-03-30T23:59:59.999Z", 2, False, _INSTANT),
        Example("2026-03-29", 0, True, _DAY),
        Example("2026-04-28", 30, True, _DAY),
        Example("2026-02-27", 30, False, _DAY),
    )

    def days(self, operand: Operand, today: date, calendar: Calendar) -> tuple[date, date]:
        day = today + operand.value
        return day, day + DAY


DAYS_AHEAD = DaysAhead()


class InPeriod(DayOperator):
    """On a day of that period of the calendar. Weeks start as the project has it."""

    name = "IN_PERIOD"
    label = "is in the period"
    phrase = "is {value}"
    takes = PERIOD
    examples = (
        Example("2026-03-29T00:00:00Z", "TODAY", True, _INSTANT),
        Example("2026-03-30T00:00:00Z", "TODAY", False, _INSTANT),
        Example("2026-03-28", "YESTERDAY", True, _DAY),
        Example("2026-03-30", "TOMORROW", True, _DAY),
        Example("2026-03-23", "THIS_WEEK", True, _DAY),
        Example("2026-03-30", "THIS_WEEK", False, _DAY),
        Example("2026-03-22T23:59:59.999Z", "LAST_WEEK", True, _INSTANT),
        Example("2026-04-05", "NEXT_WEEK", True, _DAY),
        Example("2026-03-31", "THIS_MONTH", True, _DAY),
        Example("2026-02-28", "LAST_MONTH", True, _DAY),
        Example("2026-04-30", "NEXT_MONTH", True, _DAY),
        Example("2026-01-01T00:00:00Z", "THIS_YEAR", True, _INSTANT),
        Example("2025-12-31T23:59:59.999Z", "LAST_YEAR", True, _INSTANT),
        Example("2027-12-31", "NEXT_YEAR", True, _DAY),
        Example("2028-01-01", "NEXT_YEAR", False, _DAY),
    )

    def days(self, operand: Operand, today: date, calendar: Calendar) -> tuple[date, date]:
        return calendar.period(operand.value, today)


IN_PERIOD = InPeriod()


class YearsAgo(DayOperator):
    """So many full years ago, as an age is counted; never in the future.

    Of a datetime its calendar day counts. Who was born on 29 February turns a year older on 28
    February in other years.
    """

    name = "YEARS_AGO"
    label = "is … full years ago"
    phrase = "is {value} ago"
    takes = YEARS
    examples = (
        Example("2008-03-29", 18, True, _DAY),
        Example("2008-03-30", 18, False, _DAY),
        Example("2007-03-30", 18, True, _DAY),
        Example("2007-03-29", 18, False, _DAY),
        Example("2026-03-29T23:59:59.999Z", 0, True, _INSTANT),
        Example("2026-03-30T00:00:00Z", 0, False, _INSTANT),
        Example("1996-03-29", [18, 30], True, _DAY),
        Example("1995-03-29", [18, 30], False, _DAY),
        Example("1930-01-01", [18, None], True, _DAY),
        Example("2008-03-30", [None, 17], True, _DAY),
        Example("2026-03-30", [None, 17], False, _DAY),
        Example(None, [None, 17], False, _DAY),
    )

    def days(self, operand: Operand, today: date, calendar: Calendar) -> tuple[date | None, date]:
        least, most = operand.value.least, operand.value.most
        first = None if most is None else years_before(today, most + 1) + DAY
        return first, years_before(today, least or 0) + DAY


YEARS_AGO = YearsAgo()
