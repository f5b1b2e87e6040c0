"""Days, midnights and moments of the project's time zone. Whole milliseconds everywhere."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum
from functools import lru_cache
from typing import assert_never
from zoneinfo import ZoneInfo

MILLISECOND = timedelta(milliseconds=1)
DAY = timedelta(days=1)
# Two days' room at each end: no zone and no "the day after" then leaves what datetime can hold.
FIRST_DAY, LAST_DAY = date(1, 1, 3), date(9999, 12, 29)

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
    """The same instant in UTC, in whole milliseconds, as MongoDB keeps it."""
    instant = instant.astimezone(UTC)
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)


def parse_date(text: str) -> date:
    """YYYY-MM-DD; ValueError says what is wrong."""
    if not _DATE.fullmatch(text):
        raise ValueError("must be a date like 2026-03-29")
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise ValueError("is not a day of the calendar") from None
    if not FIRST_DAY <= day <= LAST_DAY:
        raise ValueError(f"must lie between {FIRST_DAY} and {LAST_DAY}")
    return day


def parse_datetime(text: str) -> datetime:
    """An ISO 8601 datetime, in UTC where it has an offset and without a zone where it has none."""
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
        raise ValueError("is not a time of the calendar") from None
    parse_date(parsed.date().isoformat())
    return parsed


def parse_date_or_datetime(text: str) -> DateOrDatetime:
    """A date or a datetime."""
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
    """An ISO 8601 duration of weeks, days, hours, minutes and seconds: 1 ms to P36525D."""
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
    """How a calendar day is stored: its midnight in UTC, whatever the project's zone."""
    return datetime.combine(day, time(), UTC)


def last_day_of_february(year: int) -> date:
    return date(year, 3, 1) - DAY


def anniversary(day: date, year: int) -> date:
    """The day on which a date comes round in a year: 29 February on 28 where there is no other."""
    if (day.month, day.day) == (2, 29):
        return last_day_of_february(year)
    return day.replace(year=year)


def years_before(day: date, years: int) -> date:
    """The last day that has its anniversary of so many years by `day`.

    29 February has it on 28 February where there is no other: the last one stands for the last.
    """
    year = day.year - years
    if day == last_day_of_february(day.year):
        return last_day_of_february(year)
    return day.replace(year=year)


class CalendarUnit(Enum):
    """A stretch of the calendar."""

    DAY = "DAY"
    WEEK = "WEEK"
    MONTH = "MONTH"
    YEAR = "YEAR"


class Period(Enum):
    """The day, week, month or year that today belongs to, or one so many before or after it."""

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
    """The project's time zone and the day on which its weeks start (0 is Monday)."""

    time_zone: ZoneInfo
    week_start: int = 0

    def midnight_of(self, day: date) -> datetime:
        """The day's first instant, in UTC."""
        return _local_to_instant(self.time_zone, datetime.combine(day, time()))

    def day_of(self, instant: datetime) -> date:
        """The calendar day of an instant: the last one that has begun."""
        day = instant.astimezone(self.time_zone).date()
        # A clock that goes back over midnight does not take back that the next day has begun.
        while self.midnight_of(day + DAY) <= instant:
            day += DAY
        return day

    def period_bounds(self, period: Period, today: date) -> tuple[date, date]:
        """The first day of the period, and the day after its last one."""
        unit, offset = period.value
        return self._first_day(unit, today, offset), self._first_day(unit, today, offset + 1)

    def _first_day(self, unit: CalendarUnit, today: date, offset: int) -> date:
        """The first day of today's unit, or of the one so many steps from it."""
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
        """A day's midnight; an instant itself; local time as it stands on the zone's clock."""
        if not isinstance(value, datetime):
            return self.midnight_of(value)
        return _local_to_instant(self.time_zone, value) if value.tzinfo is None else value


@lru_cache(maxsize=4096)
def _local_to_instant(time_zone: ZoneInfo, local_time: datetime) -> datetime:
    """The first instant at which the zone's clock shows `wall` or, where it skips it, more."""
    instant = local_time.replace(tzinfo=time_zone).astimezone(UTC)
    if instant.astimezone(time_zone).replace(tzinfo=None) == local_time:
        return instant
    # The clock skips this time: the instant of the skip lies between the two readings.
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
    """The one instant that serves a whole evaluation, on the project's calendar."""

    at: datetime
    calendar: Calendar

    def __post_init__(self) -> None:
        object.__setattr__(self, "at", truncate_to_milliseconds(self.at))


def _clamp_to_calendar(stored: datetime) -> datetime:
    """The instant itself or, beyond the first and the last day, one beyond them of which every
    zone can tell the day."""
    return min(max(stored, utc_midnight(FIRST_DAY - DAY)), utc_midnight(LAST_DAY + DAY))


class InstantOrdering:
    """How moments lie among stored instants."""

    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar

    def first_at_or_after(self, value: DateOrDatetime) -> datetime:
        """The least stored value that is at or after the moment."""
        return self._calendar.to_instant(value)

    def first_after(self, value: DateOrDatetime) -> datetime:
        """The least stored value that is after the moment."""
        return self._calendar.to_instant(value) + MILLISECOND

    def equal_values(self, value: DateOrDatetime) -> list[datetime]:
        """The stored values that are the moment."""
        return [self._calendar.to_instant(value)]

    def to_instant(self, stored: datetime) -> datetime:
        """Where a stored value lies among instants."""
        return stored

    def to_day(self, stored: datetime) -> date:
        """The day on which a stored value lies."""
        return self._calendar.day_of(_clamp_to_calendar(stored))


class DayOrdering:
    """How moments lie among stored days: a day stands at its local midnight."""

    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar

    def first_at_or_after(self, value: DateOrDatetime) -> datetime:
        equal_values = self.equal_values(value)
        return equal_values[0] if equal_values else self.first_after(value)

    def first_after(self, value: DateOrDatetime) -> datetime:
        if isinstance(value, datetime):
            value = self._calendar.day_of(self._calendar.to_instant(value))
        return utc_midnight(value + DAY)

    def equal_values(self, value: DateOrDatetime) -> list[datetime]:
        if not isinstance(value, datetime):
            return [utc_midnight(value)]
        instant = self._calendar.to_instant(value)
        day = self._calendar.day_of(instant)
        equal_values: list[datetime] = []
        # A zone that skipped a whole day has two days with one midnight.
        while self._calendar.midnight_of(day) == instant:
            equal_values.insert(0, utc_midnight(day))
            day -= DAY
        return equal_values

    def to_instant(self, stored: datetime) -> datetime:
        return self._calendar.midnight_of(self.to_day(stored))

    def to_day(self, stored: datetime) -> date:
        return _clamp_to_calendar(stored).date()


Ordering = InstantOrdering | DayOrdering
