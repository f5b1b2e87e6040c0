"""Operators that ask for the anniversary of a date, in the project's time zone."""

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
    DayOrdering,
    InstantOrdering,
    Now,
    anniversary,
    utc_midnight,
)
from app.filters.fields import TEMPORAL_TYPES, AttributeType
from app.filters.operators.operator import (
    ElementOperator,
    ElementTest,
    Example,
    Operand,
    Query,
    elements,
)
from app.filters.operators.window_changes import next_day_window_changes, window_by_day
from app.filters.values import DAYS, PERIOD

_DATE = AttributeType.DATE
_DATETIME = AttributeType.DATETIME
# A value's days in UTC and in the project's zone may be in different years, and so may the two ends
# of a window.
_YEAR_OFFSETS = (-1, 0, 1)
# MongoDB finds dates of this many years by an index and computes the answer for older ones.
_INDEXED_YEARS = 125
# More than a leap day, the turn of the year and the time zone together can move a day.
_SLACK_DAYS = 5


class AnniversaryOperator(ElementOperator):
    """Matches a date or datetime that has an anniversary in a window of consecutive days.

    Equivalently, the value lies in the window or in the same window of an earlier year. In a year
    that is not a leap year, a boundary on 29 February moves to 1 March; so a value of 29 February
    has its anniversary on 28 February.
    """

    types = TEMPORAL_TYPES
    is_time_dependent = True

    def day_window(self, operand: Operand, today: date, calendar: Calendar) -> tuple[date, date]:
        """The first day of the window, and the day after its last day."""
        raise NotImplementedError

    def query(self, path: str, operand: Operand, now: Now) -> Query:
        """The predicate for a value that lies in the window of any year.

        For an indexed path, the predicate also has a range for each of the latest years, which the
        index serves. At a scalar path these ranges are exact. In an array, two different elements
        may meet the two ends of a range, so the exact predicate remains.
        """
        first_day, end_day = self.day_window(operand, now.calendar.day_of(now.at), now.calendar)
        exact_query = _anniversary_query(path, first_day, end_day, operand, now)
        if not operand.indexed:
            return exact_query
        is_datetime = operand.type is not _DATE
        spans: list[Query] = []
        for year in range(first_day.year - _INDEXED_YEARS, first_day.year + 1):
            start = _boundary(first_day, year, now.calendar, is_datetime)
            end = _boundary(
                end_day, year + end_day.year - first_day.year, now.calendar, is_datetime
            )
            spans.append({path: {"$gte": start, "$lt": end}})
        earlier_query: Query = {path: {"$lt": spans[0][path]["$gte"]}}
        if operand.scalar:
            return {"$or": [*spans, {**earlier_query, **exact_query}]}
        return {"$or": [*spans, earlier_query], **exact_query}

    def element_test(self, operand: Operand, now: Now) -> ElementTest:
        first_day, end_day = self.day_window(operand, now.calendar.day_of(now.at), now.calendar)
        is_datetime = operand.type is not _DATE

        def has_anniversary(element: object) -> bool:
            if not isinstance(element, datetime):
                return False
            years = {
                max(0, min(first_day.year, element.year + year_offset))
                for year_offset in _YEAR_OFFSETS
            }
            return any(
                _boundary(first_day, year, now.calendar, is_datetime)
                <= element
                < _boundary(
                    end_day, year + end_day.year - first_day.year, now.calendar, is_datetime
                )
                for year in years
            )

        return has_anniversary

    def next_changes(
        self, stored: object, operand: Operand, now: Now, until: datetime
    ) -> Iterator[datetime]:
        to_day = operand.ordering(now).to_day
        # Dates with the same month and day share their anniversaries; the earliest date has them
        # all.
        first_dates: dict[tuple[int, int], date] = {}
        for value in (element for element in elements(stored) if isinstance(element, datetime)):
            first_date = to_day(value)
            if first_date >= FIRST_DAY:
                key = first_date.month, first_date.day
                first_dates[key] = min(first_date, first_dates.get(key, first_date))
        calendar = now.calendar
        first_day, _ = self.day_window(operand, calendar.day_of(now.at), calendar)
        _, end_day = self.day_window(operand, calendar.day_of(until), calendar)
        anniversaries = (
            anniversary(first_date, year)
            for first_date in first_dates.values()
            for year in range(max(first_date.year, first_day.year), end_day.year + 1)
        )
        return next_day_window_changes(
            anniversaries, window_by_day(self.day_window, operand, calendar), now, until
        )


def _anniversary_query(
    path: str, first_day: date, end_day: date, operand: Operand, now: Now
) -> Query:
    """The exact predicate, an aggregation expression that MongoDB computes for each value."""
    is_datetime = operand.type is not _DATE
    start = _boundary_expression(first_day, first_day.year, now.calendar, is_datetime)
    end = _boundary_expression(end_day, first_day.year, now.calendar, is_datetime)
    years = [{"$add": [{"$year": "$$value"}, year_offset]} for year_offset in _YEAR_OFFSETS]
    in_year = {"$and": [{"$gte": ["$$value", start]}, {"$lt": ["$$value", end]}]}
    year = {"$max": [0, {"$min": [first_day.year, "$$candidateYear"]}]}
    in_one_year = {"$let": {"vars": {"year": year}, "in": in_year}}
    in_any_year = {
        "$anyElementTrue": [{"$map": {"input": years, "as": "candidateYear", "in": in_one_year}}]
    }
    has_anniversary = {"$and": [_season_expression(first_day, end_day), in_any_year]}
    matches = {"$cond": [{"$eq": [{"$type": "$$value"}, "date"]}, has_anniversary, False]}
    field_reference = f"${path}"
    values = {"$cond": [{"$isArray": [field_reference]}, field_reference, [field_reference]]}
    return {
        "$expr": {"$anyElementTrue": [{"$map": {"input": values, "as": "value", "in": matches}}]}
    }


def _season_expression(first_day: date, end_day: date) -> dict[str, Any]:
    """Whether `$$value` lies in about the same season as the window.

    This cheap test spares MongoDB the exact computation for most values.
    """
    day_count = (end_day - first_day).days + 2 * _SLACK_DAYS
    start_day_of_year = first_day.timetuple().tm_yday - _SLACK_DAYS
    days_since_start = {
        "$mod": [{"$add": [{"$dayOfYear": "$$value"}, -start_day_of_year % 366]}, 366]
    }
    return {"$lt": [days_since_start, day_count]}


def _date_in_year(day: date, year: int) -> date:
    """The day in another year. 29 February becomes 1 March if the year is not a leap year."""
    return date(max(1, year), day.month, 1) + (day.day - 1) * DAY


# The tests of many values ask for the same few years.
@lru_cache(maxsize=4_096)
def _boundary(day: date, year: int, calendar: Calendar, is_datetime: bool) -> datetime:
    """The least stored value on or after the day in the given year."""
    ordering = (InstantOrdering if is_datetime else DayOrdering)(calendar)
    return ordering.first_at_or_after(
        FIRST_DAY if year < 1 else max(FIRST_DAY, _date_in_year(day, year))
    )


def _boundary_expression(
    day: date, reference_year: int, calendar: Calendar, is_datetime: bool
) -> dict[str, Any]:
    """The expression for `_boundary`, in which `$$year` takes the place of `reference_year`."""
    year_offset = day.year - reference_year
    year = {"$max": [1, {"$add": ["$$year", year_offset]}]}
    # $dateFromParts carries 29 February over to 1 March, as `_date_in_year` does.
    midnight_expression = {"$dateFromParts": {"year": year, "month": day.month, "day": day.day}}
    *runs, (_, default_shift) = _boundary_shifts(day, reference_year, calendar, is_datetime)
    branches = [
        {"case": {"$lte": ["$$year", last_year]}, "then": shift} for last_year, shift in runs
    ]
    shift = (
        {"$switch": {"branches": branches, "default": default_shift}} if branches else default_shift
    )
    return {"$add": [midnight_expression, shift]}


@lru_cache(maxsize=256)
def _boundary_shifts(
    day: date, reference_year: int, calendar: Calendar, is_datetime: bool
) -> tuple[tuple[int, int], ...]:
    """The distance of the boundary from the day's midnight in UTC, for each year.

    Returns runs of years with the same distance: the last year of the run, and the distance in
    milliseconds. With these, MongoDB does not need time zone data of its own, which could differ
    from this process's.
    """
    year_offset = day.year - reference_year
    shifts = (
        (
            year,
            (
                _boundary(day, year + year_offset, calendar, is_datetime)
                - utc_midnight(_date_in_year(day, year + year_offset))
            )
            // MILLISECOND,
        )
        for year in range(reference_year + 1)
    )
    runs = [list(run) for _, run in groupby(shifts, key=lambda shift: shift[1])]
    return tuple(run[-1] for run in runs)


# The examples are evaluated on 2026-03-29, a Sunday.
class AnniversaryInPeriod(AnniversaryOperator):
    """The value has an anniversary in the given calendar period.

    The date itself counts as the first anniversary. In a year that is not a leap year, a date on
    29 February has its anniversary on 28 February.
    """

    name = "ANNIVERSARY_IN_PERIOD"
    label = "has an anniversary in the period"
    phrase = "has an anniversary {value}"
    operand_kind = PERIOD
    examples = (
        Example("1990-03-29", "TODAY", True, _DATE),
        Example("1990-03-30", "TODAY", False, _DATE),
        Example("2026-03-29", "TODAY", True, _DATE),
        Example("2027-03-29", "TODAY", False, _DATE),
        Example("1990-03-29T23:59:59.999Z", "TODAY", True, _DATETIME),
        Example("1990-03-30T00:00:00Z", "TODAY", False, _DATETIME),
        Example("1990-03-28", "YESTERDAY", True, _DATE),
        Example("1990-04-05", "NEXT_WEEK", True, _DATE),
        Example("2000-02-29", "LAST_MONTH", True, _DATE),
        Example("2000-03-01", "THIS_MONTH", True, _DATE),
        Example("2000-02-29", "THIS_MONTH", False, _DATE),
        Example("1990-12-31", "THIS_YEAR", True, _DATE),
        Example("2026-04-01", "LAST_YEAR", False, _DATE),
        Example(["1990-01-01", "1990-03-29"], "TODAY", True, _DATE),
        Example(None, "THIS_YEAR", False, _DATE),
    )

    def day_window(self, operand: Operand, today: date, calendar: Calendar) -> tuple[date, date]:
        return calendar.period_bounds(operand.value, today)


ANNIVERSARY_IN_PERIOD = AnniversaryInPeriod()


class AnniversaryWithinLastDays(AnniversaryOperator):
    """The value had an anniversary today or in the given number of days before today."""

    name = "ANNIVERSARY_WITHIN_LAST_DAYS"
    label = "has an anniversary within the last … days"
    phrase = "has an anniversary within the last {value}"
    operand_kind = DAYS
    examples = (
        Example("1990-03-29", 2, True, _DATE),
        Example("1990-03-27", 2, True, _DATE),
        Example("1990-03-26", 2, False, _DATE),
        Example("1990-03-30", 2, False, _DATE),
        Example("2000-02-29", 29, True, _DATE),
        Example("2000-02-29", 28, False, _DATE),
        Example("1990-12-31T23:59:59.999Z", 88, True, _DATETIME),
        Example("1990-03-30", 366, True, _DATE),
    )

    def day_window(self, operand: Operand, today: date, calendar: Calendar) -> tuple[date, date]:
        return today - operand.value, today + DAY


ANNIVERSARY_WITHIN_LAST_DAYS = AnniversaryWithinLastDays()


class AnniversaryWithinNextDays(AnniversaryOperator):
    """The value has an anniversary today or in the given number of days after today."""

    name = "ANNIVERSARY_WITHIN_NEXT_DAYS"
    label = "has an anniversary within the next … days"
    phrase = "has an anniversary within the next {value}"
    operand_kind = DAYS
    examples = (
        Example("1990-03-29", 2, True, _DATE),
        Example("1990-03-31", 2, True, _DATE),
        Example("1990-04-01", 2, False, _DATE),
        Example("1990-03-28", 2, False, _DATE),
        Example("2026-03-31", 2, True, _DATE),
        Example("2027-03-31", 2, False, _DATE),
        Example("1990-01-01T00:00:00Z", 278, True, _DATETIME),
        Example("1990-01-01T00:00:00Z", 277, False, _DATETIME),
    )

    def day_window(self, operand: Operand, today: date, calendar: Calendar) -> tuple[date, date]:
        return today, today + operand.value + DAY


ANNIVERSARY_WITHIN_NEXT_DAYS = AnniversaryWithinNextDays()


class AnniversaryDaysAgo(AnniversaryOperator):
    """The value had an anniversary exactly the given number of days ago. 0 means today."""

    name = "ANNIVERSARY_DAYS_AGO"
    label = "has an anniversary exactly … days ago"
    phrase = "has an anniversary on the day {value} ago"
    operand_kind = DAYS
    examples = (
        Example("1990-03-27", 2, True, _DATE),
        Example("1990-03-28", 2, False, _DATE),
        Example("2000-02-29", 29, True, _DATE),
        Example("2000-02-28", 29, True, _DATE),
        Example("2026-03-28", 2, False, _DATE),
        Example("1990-03-27T23:59:59.999Z", 2, True, _DATETIME),
    )

    def day_window(self, operand: Operand, today: date, calendar: Calendar) -> tuple[date, date]:
        day = today - operand.value
        return day, day + DAY


ANNIVERSARY_DAYS_AGO = AnniversaryDaysAgo()


class AnniversaryDaysAhead(AnniversaryOperator):
    """The value has an anniversary exactly the given number of days ahead. 0 means today."""

    name = "ANNIVERSARY_DAYS_AHEAD"
    label = "has an anniversary exactly … days ahead"
    phrase = "has an anniversary on the day {value} ahead"
    operand_kind = DAYS
    examples = (
        Example("1990-03-31", 2, True, _DATE),
        Example("1990-03-30", 2, False, _DATE),
        Example("2000-02-29", 336, True, _DATE),
        Example("2000-02-29", 337, False, _DATE),
        Example("2026-03-31", 2, True, _DATE),
        Example("1990-03-31T00:00:00Z", 2, True, _DATETIME),
    )

    def day_window(self, operand: Operand, today: date, calendar: Calendar) -> tuple[date, date]:
        day = today + operand.value
        return day, day + DAY


ANNIVERSARY_DAYS_AHEAD = AnniversaryDaysAhead()
