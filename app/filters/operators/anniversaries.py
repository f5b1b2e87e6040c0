"""Which days a date comes round on, year after year, in the project's time zone."""

from collections.abc import Iterator
from datetime import date, datetime
from functools import lru_cache
from itertools import groupby
from typing import Any

from app.filters.calendar import (
    DAY,
    FIRST_DAY,
    MILLISECOND,
    Calendar,
    DayLine,
    InstantLine,
    Now,
    anniversary,
    nominal,
)
from app.filters.fields import AttributeType
from app.filters.operators.operator import (
    MOMENTS,
    ElementOperator,
    Example,
    Operand,
    Query,
    Test,
    elements,
)
from app.filters.operators.passing import day_flips, windows
from app.filters.values import DAYS, PERIOD

_DAY, _INSTANT = AttributeType.DATE, AttributeType.DATETIME
# A value's days in UTC and in the project's zone may lie in two years, and so may a span's ends.
_YEARS_BESIDE = (-1, 0, 1)
# Whoever is older, and what was longer ago, is asked about without an index.
_YEARS_LISTED = 125
# A leap day, the turn of the year and a midnight far from that in UTC move a day by less in all.
_SLACK = 5


class AnniversaryOperator(ElementOperator):
    """A date or datetime that has an anniversary on certain days, one after the other.

    Seen from the value: it lies in the span of these days, or in the same span of an earlier year.
    An edge on 29 February is then 1 March, which puts 29 February with 28 February.
    """

    types = MOMENTS
    follows_clock = True

    def days(self, operand: Operand, today: date, calendar: Calendar) -> tuple[date, date]:
        """The first of the days, and the day after the last one."""
        raise NotImplementedError

    def query(self, path: str, operand: Operand, now: Now) -> Query:
        """The span in any year. An index serves that in each of the latest years, which says it all
        where no array is: of one, two values may have met the ends."""
        first, after = self.days(operand, now.calendar.day(now.at), now.calendar)
        exactly = _comes_round(path, first, after, operand, now)
        if not operand.indexed:
            return exactly
        instants = operand.type is not _DAY
        spans: list[Query] = []
        for year in range(first.year - _YEARS_LISTED, first.year + 1):
            start = _edge(first, year, now.calendar, instants)
            end = _edge(after, year + after.year - first.year, now.calendar, instants)
            spans.append({path: {"$gte": start, "$lt": end}})
        longer_ago: Query = {path: {"$lt": spans[0][path]["$gte"]}}
        if operand.scalar:
            return {"$or": [*spans, {**longer_ago, **exactly}]}
        return {"$or": [*spans, longer_ago], **exactly}

    def test(self, operand: Operand, now: Now) -> Test:
        first, after = self.days(operand, now.calendar.day(now.at), now.calendar)
        instants = operand.type is not _DAY

        def met(element: object) -> bool:
            if not isinstance(element, datetime):
                return False
            years = {max(0, min(first.year, element.year + beside)) for beside in _YEARS_BESIDE}
            return any(
                _edge(first, year, now.calendar, instants)
                <= element
                < _edge(after, year + after.year - first.year, now.calendar, instants)
                for year in years
            )

        return met

    def flips(
        self, stored: object, operand: Operand, now: Now, until: datetime
    ) -> Iterator[datetime]:
        day = operand.line(now).day
        since: dict[tuple[int, int], date] = {}
        for value in (each for each in elements(stored) if isinstance(each, datetime)):
            born = day(value)
            if born >= FIRST_DAY:
                # Of two dates with the same anniversaries the earlier one has them all.
                key = born.month, born.day
                since[key] = min(born, since.get(key, born))
        calendar = now.calendar
        first, _ = self.days(operand, calendar.day(now.at), calendar)
        _, after = self.days(operand, calendar.day(until), calendar)
        anniversaries = (
            anniversary(born, year)
            for born in since.values()
            for year in range(max(born.year, first.year), after.year + 1)
        )
        return day_flips(anniversaries, windows(self.days, operand, calendar), now, until)


def _comes_round(path: str, first: date, after: date, operand: Operand, now: Now) -> Query:
    """The span in any year, as MongoDB works it out for each value."""
    instants = operand.type is not _DAY
    start = _edge_in(first, first.year, now.calendar, instants)
    end = _edge_in(after, first.year, now.calendar, instants)
    years = [{"$add": [{"$year": "$$value"}, beside]} for beside in _YEARS_BESIDE]
    in_year = {"$and": [{"$gte": ["$$value", start]}, {"$lt": ["$$value", end]}]}
    year = {"$max": [0, {"$min": [first.year, "$$near"]}]}
    in_one = {"$let": {"vars": {"year": year}, "in": in_year}}
    comes_round = {"$anyElementTrue": [{"$map": {"input": years, "as": "near", "in": in_one}}]}
    in_span = {"$and": [_near(first, after), comes_round]}
    met = {"$cond": [{"$eq": [{"$type": "$$value"}, "date"]}, in_span, False]}
    found = f"${path}"
    values = {"$cond": [{"$isArray": [found]}, found, [found]]}
    return {"$expr": {"$anyElementTrue": [{"$map": {"input": values, "as": "value", "in": met}}]}}


def _near(first: date, after: date) -> dict[str, Any]:
    """Whether `$$value` has about the season of the span; quick to tell, and so of few."""
    days = (after - first).days + 2 * _SLACK
    start = first.timetuple().tm_yday - _SLACK
    gone = {"$mod": [{"$add": [{"$dayOfYear": "$$value"}, -start % 366]}, 366]}
    return {"$lt": [gone, days]}


def _same_day(day: date, year: int) -> date:
    """The day in another year; 29 February is 1 March where there is none."""
    return date(max(1, year), day.month, 1) + (day.day - 1) * DAY


def _edge(day: date, year: int, calendar: Calendar, instants: bool) -> datetime:
    """The least stored value from the day of that year on."""
    line = (InstantLine if instants else DayLine)(calendar)
    return line.first_from(FIRST_DAY if year < 1 else max(FIRST_DAY, _same_day(day, year)))


def _edge_in(day: date, last: int, calendar: Calendar, instants: bool) -> dict[str, Any]:
    """The same as MongoDB works it out, where `$$year` stands for the year `last`."""
    later = day.year - last
    year = {"$max": [1, {"$add": ["$$year", later]}]}
    # As with `_same_day`, 29 February is carried over to 1 March.
    carried = {"$dateFromParts": {"year": year, "month": day.month, "day": day.day}}
    *runs, (_, rest) = _shifts(day, last, calendar, instants)
    branches = [{"case": {"$lte": ["$$year", until]}, "then": shift} for until, shift in runs]
    shift = {"$switch": {"branches": branches, "default": rest}} if branches else rest
    return {"$add": [carried, shift]}


@lru_cache(maxsize=256)
def _shifts(
    day: date, last: int, calendar: Calendar, instants: bool
) -> tuple[tuple[int, int], ...]:
    """How far the edge lies from the day's midnight in UTC, in milliseconds: runs of years, by
    the last one of each. This process's time zones then serve both engines."""
    later = day.year - last
    shifts = (
        (
            year,
            (_edge(day, year + later, calendar, instants) - nominal(_same_day(day, year + later)))
            // MILLISECOND,
        )
        for year in range(last + 1)
    )
    runs = [list(run) for _, run in groupby(shifts, key=lambda shift: shift[1])]
    return tuple(run[-1] for run in runs)


# The examples are asked on 2026-03-29, a Sunday.
class AnniversaryInPeriod(AnniversaryOperator):
    """With an anniversary in that period of the calendar; the date itself is the first one.

    29 February has it on 28 February in other years.
    """

    name = "ANNIVERSARY_IN_PERIOD"
    label = "has an anniversary in the period"
    phrase = "has an anniversary {value}"
    takes = PERIOD
    examples = (
        Example("1990-03-29", "TODAY", True, _DAY),
        Example("1990-03-30", "TODAY", False, _DAY),
        Example("2026-03-29", "TODAY", True, _DAY),
        Example("2027-03-29", "TODAY", False, _DAY),
        Example("1990-03-29T23:59:59.999Z", "TODAY", True, _INSTANT),
        Example("1990-03-30T00:00:00Z", "TODAY", False, _INSTANT),
        Example("1990-03-28", "YESTERDAY", True, _DAY),
        Example("1990-04-05", "NEXT_WEEK", True, _DAY),
        Example("2000-02-29", "LAST_MONTH", True, _DAY),
        Example("2000-03-01", "THIS_MONTH", True, _DAY),
        Example("2000-02-29", "THIS_MONTH", False, _DAY),
        Example("1990-12-31", "THIS_YEAR", True, _DAY),
        Example("2026-04-01", "LAST_YEAR", False, _DAY),
        Example(["1990-01-01", "1990-03-29"], "TODAY", True, _DAY),
        Example(None, "THIS_YEAR", False, _DAY),
    )

    def days(self, operand: Operand, today: date, calendar: Calendar) -> tuple[date, date]:
        return calendar.period(operand.value, today)


ANNIVERSARY_IN_PERIOD = AnniversaryInPeriod()


class AnniversaryWithinLastDays(AnniversaryOperator):
    """With an anniversary at most so many days ago; today counts."""

    name = "ANNIVERSARY_WITHIN_LAST_DAYS"
    label = "has an anniversary within the last … days"
    phrase = "has an anniversary within the last {value}"
    takes = DAYS
    examples = (
        Example("1990-03-29", 2, True, _DAY),
        Example("1990-03-27", 2, True, _DAY),
        Example("1990-03-26", 2, False, _DAY),
        Example("1990-03-30", 2, False, _DAY),
        Example("2000-02-29", 29, True, _DAY),
        Example("2000-02-29", 28, False, _DAY),
        Example("1990-12-31T23:59:59.999Z", 88, True, _INSTANT),
        Example("1990-03-30", 366, True, _DAY),
    )

    def days(self, operand: Operand, today: date, calendar: Calendar) -> tuple[date, date]:
        return today - operand.value, today + DAY


ANNIVERSARY_WITHIN_LAST_DAYS = AnniversaryWithinLastDays()


class AnniversaryWithinNextDays(AnniversaryOperator):
    """With an anniversary at most so many days ahead; today counts."""

    name = "ANNIVERSARY_WITHIN_NEXT_DAYS"
    label = "has an anniversary within the next … days"
    phrase = "has an anniversary within the next {value}"
    takes = DAYS
    examples = (
        Example("1990-03-29", 2, True, _DAY),
        Example("1990-03-31", 2, True, _DAY),
        Example("1990-04-01", 2, False, _DAY),
        Example("1990-03-28", 2, False, _DAY),
        Example("2026-03-31", 2, True, _DAY),
        Example("2027-03-31", 2, False, _DAY),
        Example("1990-01-01T00:00:00Z", 278, True, _INSTANT),
        Example("1990-01-01T00:00:00Z", 277, False, _INSTANT),
    )

    def days(self, operand: Operand, today: date, calendar: Calendar) -> tuple[date, date]:
        return today, today + operand.value + DAY


ANNIVERSARY_WITHIN_NEXT_DAYS = AnniversaryWithinNextDays()


class AnniversaryDaysAgo(AnniversaryOperator):
    """With an anniversary exactly so many days ago; 0 is today."""

    name = "ANNIVERSARY_DAYS_AGO"
    label = "has an anniversary exactly … days ago"
    phrase = "has an anniversary on the day {value} ago"
    takes = DAYS
    examples = (
        Example("1990-03-27", 2, True, _DAY),
        Example("1990-03-28", 2, False, _DAY),
        Example("2000-02-29", 29, True, _DAY),
        Example("2000-02-28", 29, True, _DAY),
        Example("2026-03-28", 2, False, _DAY),
        Example("1990-03-27T23:59:59.999Z", 2, True, _INSTANT),
    )

    def days(self, operand: Operand, today: date, calendar: Calendar) -> tuple[date, date]:
        day = today - operand.value
        return day, day + DAY


ANNIVERSARY_DAYS_AGO = AnniversaryDaysAgo()


class AnniversaryDaysAhead(AnniversaryOperator):
    """With an anniversary exactly so many days ahead; 0 is today."""

    name = "ANNIVERSARY_DAYS_AHEAD"
    label = "has an anniversary exactly … days ahead"
    phrase = "has an anniversary on the day {value} ahead"
    takes = DAYS
    examples = (
        Example("1990-03-31", 2, True, _DAY),
        Example("1990-03-30", 2, False, _DAY),
        Example("2000-02-29", 336, True, _DAY),
        Example("2000-02-29", 337, False, _DAY),
        Example("2026-03-31", 2, True, _DAY),
        Example("1990-03-31T00:00:00Z", 2, True, _INSTANT),
    )

    def days(self, operand: Operand, today: date, calendar: Calendar) -> tuple[date, date]:
        day = today + operand.value
        return day, day + DAY


ANNIVERSARY_DAYS_AHEAD = AnniversaryDaysAhead()
