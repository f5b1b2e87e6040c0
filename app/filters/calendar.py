"""The project's calendar: days, midnights, instants and periods in its time zone.

All instants have whole milliseconds, as in MongoDB.
"""

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum
from functools import lru_cache
from typing import assert_never
from zoneinfo import ZoneInfo

MILLISECOND = timedelta(milliseconds=1)
DAY = timedelta(days=1)
# Two days inside the range of datetime, so that conversions between zones and adding a day fit.
FIRST_DAY = date(1, 1, 3)
LAST_DAY = date(9999, 12, 29)

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DATETIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt]([0-9]{2}:[0-9]{2})(?:(:[0-9]{2})(?:\.([0-9]{1,9}))?)?"
    r"([Zz]|[+-][0-9]{2}:[0-9]{2})?"
)
_DURATION = re.compile(
    r"P(?=.)(?:(?P<weeks>[0-9]{1,9})W)?(?:(?P<days>[0-9]{1,9})D)?"
    r"(?:T(?=.)(?:(?P<hours>[0-9]{1,9})H)?(?:(?P<minutes>[0-9]{1,9})M)?"
    r"(?:(?P<seconds>[0-9]{1,12})(?:\.(?P<fraction>[0-9]{1,9}))?S)?)?"
)
MAX_DURATION = timedelta(days=36_525)

DateOrDatetime = date | datetime
"""A calendar day, an instant (with an offset), or local time in the project's zone (without)."""


def truncate_to_milliseconds(instant: datetime) -> datetime:
    """The instant in UTC, truncated to milliseconds as MongoDB stores it."""
    instant = instant.astimezone(UTC)
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)


def parse_date(text: str) -> date:
    """Parses YYYY-MM-DD; raises ValueError with the reason."""
    if not _DATE.fullmatch(text):
        raise ValueError("must be a date like 2026-03-29")
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise ValueError("is not a day in the calendar") from None
    if not FIRST_DAY <= day <= LAST_DAY:
        raise ValueError(f"must lie between {FIRST_DAY} and {LAST_DAY}")
    return day


def parse_datetime(text: str) -> datetime:
    """Parses an ISO 8601 datetime: in UTC if it has an offset, else naive.

    Raises ValueError with the reason.
    """
    match = _DATETIME.fullmatch(text)
    if not match:
        raise ValueError("must be a datetime like 2026-03-29T12:00:00Z")
    day, hours_and_minutes, seconds, fraction, offset = match.groups()
    parse_date(day)
    milliseconds = (fraction or "").ljust(3, "0")[:3]
    try:
        parsed = datetime.fromisoformat(
            f"{day}T{hours_and_minutes}{seconds or ':00'}.{milliseconds}"
        )
        if offset is None:
            return parsed
        utc_offset = "+00:00" if offset in "Zz" else offset
        parsed = datetime.fromisoformat(parsed.isoformat() + utc_offset).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("is not a valid date and time") from None
    parse_date(parsed.date().isoformat())
    return parsed


def parse_date_or_datetime(text: str) -> DateOrDatetime:
    """Parses a date or a datetime; raises ValueError with the reason."""
    if _DATE.fullmatch(text):
        return parse_date(text)
    try:
        return parse_datetime(text)
    except ValueError as error:
        message = str(error)
        if message.startswith("must be"):
            message = "must be a date like 2026-03-29 or a datetime like 2026-03-29T12:00:00Z"
        raise ValueError(message) from None


def parse_duration(text: str) -> timedelta:
    """Parses an ISO 8601 duration of weeks to seconds, from 1 ms to P36525D.

    Raises ValueError with the reason.
    """
    match = _DURATION.fullmatch(text)
    if not match:
        raise ValueError(
            "must be a duration of weeks, days, hours, minutes and seconds, like P30D or PT90M"
        )
    parts = match.groupdict(default="0")
    parts["milliseconds"] = parts.pop("fraction").ljust(3, "0")[:3]
    try:
        duration = timedelta(**{unit: int(number) for unit, number in parts.items()})
    except OverflowError:
        duration = timedelta.max
    if not MILLISECOND <= duration <= MAX_DURATION:
        raise ValueError("must lie between one millisecond and P36525D")
    return duration


def utc_midnight(day: date) -> datetime:
    """The stored form of a calendar day: its midnight in UTC, in any project time zone."""
    return datetime.combine(day, time(), UTC)


def last_day_of_february(year: int) -> date:
    """28 or 29 February of the year."""
    return date(year, 3, 1) - DAY


def anniversary(day: date, year: int) -> date:
    """The anniversary of a day in a year; that of 29 February is 28 February in common years."""
    if (day.month, day.day) == (2, 29):
        return last_day_of_february(year)
    return day.replace(year=year)


def years_before(day: date, years: int) -> date:
    """The latest day whose anniversary after `years` years is on or before `day`.

    In a common year 28 February is also the anniversary of 29 February, so the last day of
    February maps to the last day of February.
    """
    year = day.year - years
    if day == last_day_of_february(day.year):
        return last_day_of_february(year)
    return day.replace(year=year)


class CalendarUnit(Enum):
    """The length of a period."""

    DAY = "DAY"
    WEEK = "WEEK"
    MONTH = "MONTH"
    YEAR = "YEAR"


class Period(Enum):
    """A day, week, month or year relative to the current one: its unit and its offset in units."""

    TODAY = CalendarUnit.DAY, 0
    YESTERDAY = CalendarUnit.DAY, -1
    TOMORROW = CalendarUnit.DAY, 1
    THIS_WEEK = CalendarUnit.WEEK, 0
    LAST_WEEK = CalendarUnit.WEEK, -1
    NEXT_WEEK = CalendarUnit.WEEK, 1
    THIS_MONTH = CalendarUnit.MONTH, 0
    LAST_MONTH = CalendarUnit.MONTH, -1
    NEXT_MONTH = CalendarUnit.MONTH, 1
    THIS_YEAR = CalendarUnit.YEAR, 0
    LAST_YEAR = CalendarUnit.YEAR, -1
    NEXT_YEAR = CalendarUnit.YEAR, 1

    def __str__(self) -> str:
        return self.name.lower().replace("_", " ")


@dataclass(frozen=True)
class Calendar:
    """The project's time zone and the first day of its weeks (0 is Monday)."""

    time_zone: ZoneInfo
    week_start: int = 0

    def midnight_of(self, day: date) -> datetime:
        """The day's first instant, in UTC."""
        return _local_to_instant(self.time_zone, datetime.combine(day, time()))

    def day_of(self, instant: datetime) -> date:
        """The calendar day of an instant: the latest day that has begun."""
        day = instant.astimezone(self.time_zone).date()
        # Where a clock is set back across midnight, the day that has begun remains current.
        while self.midnight_of(day + DAY) <= instant:
            day += DAY
        return day

    def period_bounds(self, period: Period, today: date) -> tuple[date, date]:
        """The first day of the period, and the day after its last one."""
        unit, offset = period.value
        return self._first_day(unit, today, offset), self._first_day(unit, today, offset + 1)

    def _first_day(self, unit: CalendarUnit, today: date, offset: int) -> date:
        """The first day of the unit that is `offset` units away from today's."""
        match unit:
            case CalendarUnit.DAY:
                return today + offset * DAY
            case CalendarUnit.WEEK:
                return today + (7 * offset - (today.weekday() - self.week_start) % 7) * DAY
            case CalendarUnit.MONTH:
                year_offset, month = divmod(today.month - 1 + offset, 12)
                return date(today.year + year_offset, month + 1, 1)
            case CalendarUnit.YEAR:
                return date(today.year + offset, 1, 1)
            case _:
                assert_never(unit)

    def to_instant(self, value: DateOrDatetime) -> datetime:
        """The instant of a day's midnight or of a local time; an instant is returned as it is."""
        if not isinstance(value, datetime):
            return self.midnight_of(value)
        return _local_to_instant(self.time_zone, value) if value.tzinfo is None else value


@lru_cache(maxsize=4096)
def _local_to_instant(time_zone: ZoneInfo, local_time: datetime) -> datetime:
    """The first instant at which the zone's clock shows `local_time`, or a later time if the
    clock skips it."""
    instant = local_time.replace(tzinfo=time_zone).astimezone(UTC)
    if instant.astimezone(time_zone).replace(tzinfo=None) == local_time:
        return instant
    # The clock skips this local time; the skip lies between the readings with both offsets.
    low, high = local_time.replace(tzinfo=time_zone, fold=1).astimezone(UTC), instant
    while high - low > MILLISECOND:
        middle = truncate_to_milliseconds(low + (high - low) / 2)
        if middle.astimezone(time_zone).replace(tzinfo=None) < local_time:
            low = middle
        else:
            high = middle
    return high


@dataclass(frozen=True)
class Now:
    """The instant of an evaluation and the calendar by which it is read."""

    at: datetime
    calendar: Calendar

    def __post_init__(self) -> None:
        object.__setattr__(self, "at", truncate_to_milliseconds(self.at))


def _clamp_to_calendar(stored: datetime) -> datetime:
    """Limits an instant to the range in which its day is defined in every time zone."""
    return min(max(stored, utc_midnight(FIRST_DAY - DAY)), utc_midnight(LAST_DAY + DAY))


class Ordering(ABC):
    """Compares dates and datetimes of operands with the stored values of one type."""

    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar

    @abstractmethod
    def first_at_or_after(self, value: DateOrDatetime) -> datetime:
        """The smallest stored value that is at or after the operand's value."""

    @abstractmethod
    def first_after(self, value: DateOrDatetime) -> datetime:
        """The smallest stored value that is after the operand's value."""

    @abstractmethod
    def to_instant(self, stored: datetime) -> datetime:
        """The instant of a stored value."""

    @abstractmethod
    def to_day(self, stored: datetime) -> date:
        """The calendar day of a stored value."""

    def span(self, first: DateOrDatetime, last: DateOrDatetime) -> tuple[datetime, datetime]:
        """The stored values from the first operand to the last one, both included.

        The first value returned lies in the span, the second one is the end and does not. The span
        is empty if it ends where it starts, or before.
        """
        return self.first_at_or_after(first), self.first_after(last)


OrderingClass = type[Ordering]


class InstantOrdering(Ordering):
    """Compares dates and datetimes of operands with stored instants.

    A date is the whole day: it starts at its first instant, and ends where the next day starts.
    """

    def first_at_or_after(self, value: DateOrDatetime) -> datetime:
        return self._calendar.to_instant(value)

    def first_after(self, value: DateOrDatetime) -> datetime:
        if not isinstance(value, datetime):
            return self._calendar.midnight_of(value + DAY)
        return self._calendar.to_instant(value) + MILLISECOND

    def to_instant(self, stored: datetime) -> datetime:
        return stored

    def to_day(self, stored: datetime) -> date:
        return self._calendar.day_of(_clamp_to_calendar(stored))


class DayOrdering(Ordering):
    """Compares dates and datetimes of operands with stored days.

    A day compares with a datetime like its local midnight.
    """

    def first_at_or_after(self, value: DateOrDatetime) -> datetime:
        if not isinstance(value, datetime):
            return utc_midnight(value)
        instant = self._calendar.to_instant(value)
        day = self._calendar.day_of(instant)
        if self._calendar.midnight_of(day) < instant:
            return utc_midnight(day + DAY)
        # In a zone that skipped a whole day, two days share one midnight.
        while self._calendar.midnight_of(day - DAY) == instant:
            day -= DAY
        return utc_midnight(day)

    def first_after(self, value: DateOrDatetime) -> datetime:
        if isinstance(value, datetime):
            value = self._calendar.day_of(self._calendar.to_instant(value))
        return utc_midnight(value + DAY)

    def to_instant(self, stored: datetime) -> datetime:
        return self._calendar.midnight_of(self.to_day(stored))

    def to_day(self, stored: datetime) -> date:
        return _clamp_to_calendar(stored).date()
