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
LONGEST = timedelta(days=36_525)

Moment = date | datetime
"""A calendar day, an instant (with an offset), or local time in the project's zone (without)."""


def cut(instant: datetime) -> datetime:
    """The same instant in UTC, in whole milliseconds, as MongoDB keeps it."""
    instant = instant.astimezone(UTC)
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)


def read_date(text: str) -> date:
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


def read_datetime(text: str) -> datetime:
    """An ISO 8601 datetime, in UTC where it has an offset and without a zone where it has none."""
    found = _DATETIME.fullmatch(text)
    if not found:
        raise ValueError("must be a datetime like 2026-03-29T12:00:00Z")
    day, clock, seconds, fraction, offset = found.groups()
    read_date(day)
    milliseconds = (fraction or "").ljust(3, "0")[:3]
    try:
        read = datetime.fromisoformat(f"{day}T{clock}{seconds or ':00'}.{milliseconds}")
        if offset is None:
            return read
        zone = "+00:00" if offset in "Zz" else offset
        read = datetime.fromisoformat(read.isoformat() + zone).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("is not a time of the calendar") from None
    read_date(read.date().isoformat())
    return read


def read_moment(text: str) -> Moment:
    """A date or a datetime."""
    if _DATE.fullmatch(text):
        return read_date(text)
    try:
        return read_datetime(text)
    except ValueError as error:
        problem = str(error)
        if problem.startswith("must be"):
            problem = "must be a date like 2026-03-29 or a datetime like 2026-03-29T12:00:00Z"
        raise ValueError(problem) from None


def read_duration(text: str) -> timedelta:
    """An ISO 8601 duration of weeks, days, hours, minutes and seconds: 1 ms to P36525D."""
    found = _DURATION.fullmatch(text)
    if not found:
        raise ValueError(
            "must be a duration of weeks, days, hours, minutes and seconds, like P30D or PT90M"
        )
    parts = found.groupdict(default="0")
    parts["milliseconds"] = parts.pop("fraction").ljust(3, "0")[:3]
    try:
        length = timedelta(**{unit: int(number) for unit, number in parts.items()})
    except OverflowError:
        length = timedelta.max
    if not MILLISECOND <= length <= LONGEST:
        raise ValueError("must lie between one millisecond and P36525D")
    return length


def nominal(day: date) -> datetime:
    """How a calendar day is stored: its midnight in UTC, whatever the project's zone."""
    return datetime.combine(day, time(), UTC)


def last_of_february(year: int) -> date:
    return date(year, 3, 1) - DAY


def anniversary(day: date, year: int) -> date:
    """The day on which a date comes round in a year: 29 February on 28 where there is no other."""
    if (day.month, day.day) == (2, 29):
        return last_of_february(year)
    return day.replace(year=year)


def years_before(day: date, years: int) -> date:
    """The last day that has its anniversary of so many years by `day`.

    29 February has it on 28 February where there is no other: the last one stands for the last.
    """
    year = day.year - years
    if day == last_of_february(day.year):
        return last_of_february(year)
    return day.replace(year=year)


class Unit(Enum):
    """A stretch of the calendar."""

    DAY = "DAY"
    WEEK = "WEEK"
    MONTH = "MONTH"
    YEAR = "YEAR"


class Period(Enum):
    """The day, week, month or year that today belongs to, or one so many before or after it."""

    TODAY = Unit.DAY, 0
    YESTERDAY = Unit.DAY, -1
    TOMORROW = Unit.DAY, 1
    THIS_WEEK = Unit.WEEK, 0
    LAST_WEEK = Unit.WEEK, -1
    NEXT_WEEK = Unit.WEEK, 1
    THIS_MONTH = Unit.MONTH, 0
    LAST_MONTH = Unit.MONTH, -1
    NEXT_MONTH = Unit.MONTH, 1
    THIS_YEAR = Unit.YEAR, 0
    LAST_YEAR = Unit.YEAR, -1
    NEXT_YEAR = Unit.YEAR, 1

    def __str__(self) -> str:
        return self.name.lower().replace("_", " ")


@dataclass(frozen=True)
class Calendar:
    """The project's time zone and the day on which its weeks start (0 is Monday)."""

    zone: ZoneInfo
    week_start: int = 0

    def midnight(self, day: date) -> datetime:
        """The day's first instant, in UTC."""
        return _local(self.zone, datetime.combine(day, time()))

    def day(self, instant: datetime) -> date:
        """The calendar day of an instant: the last one that has begun."""
        day = instant.astimezone(self.zone).date()
        # A clock that goes back over midnight does not take back that the next day has begun.
        while self.midnight(day + DAY) <= instant:
            day += DAY
        return day

    def period(self, period: Period, today: date) -> tuple[date, date]:
        """The first day of the period, and the day after its last one."""
        unit, step = period.value
        return self._first(unit, today, step), self._first(unit, today, step + 1)

    def _first(self, unit: Unit, today: date, step: int) -> date:
        """The first day of today's unit, or of the one so many steps from it."""
        match unit:
            case Unit.DAY:
                return today + step * DAY
            case Unit.WEEK:
                return today + (7 * step - (today.weekday() - self.week_start) % 7) * DAY
            case Unit.MONTH:
                years, month = divmod(today.month - 1 + step, 12)
                return date(today.year + years, month + 1, 1)
            case Unit.YEAR:
                return date(today.year + step, 1, 1)
            case _:
                assert_never(unit)

    def instant(self, moment: Moment) -> datetime:
        """A day's midnight; an instant itself; local time as it stands on the zone's clock."""
        if not isinstance(moment, datetime):
            return self.midnight(moment)
        return _local(self.zone, moment) if moment.tzinfo is None else moment


@lru_cache(maxsize=4096)
def _local(zone: ZoneInfo, wall: datetime) -> datetime:
    """The first instant at which the zone's clock shows `wall` or, where it skips it, more."""
    early = wall.replace(tzinfo=zone).astimezone(UTC)
    if early.astimezone(zone).replace(tzinfo=None) == wall:
        return early
    # The clock skips this time: the instant of the skip lies between the two readings.
    low, high = wall.replace(tzinfo=zone, fold=1).astimezone(UTC), early
    while high - low > MILLISECOND:
        middle = cut(low + (high - low) / 2)
        if middle.astimezone(zone).replace(tzinfo=None) < wall:
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
        object.__setattr__(self, "at", cut(self.at))


def _told(stored: datetime) -> datetime:
    """The instant itself or, beyond the first and the last day, one beyond them of which every
    zone can tell the day."""
    return min(max(stored, nominal(FIRST_DAY - DAY)), nominal(LAST_DAY + DAY))


class InstantLine:
    """How moments lie among stored instants."""

    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar

    def first_from(self, moment: Moment) -> datetime:
        """The least stored value that is at or after the moment."""
        return self._calendar.instant(moment)

    def first_after(self, moment: Moment) -> datetime:
        """The least stored value that is after the moment."""
        return self._calendar.instant(moment) + MILLISECOND

    def points(self, moment: Moment) -> list[datetime]:
        """The stored values that are the moment."""
        return [self._calendar.instant(moment)]

    def instant(self, stored: datetime) -> datetime:
        """Where a stored value lies among instants."""
        return stored

    def day(self, stored: datetime) -> date:
        """The day on which a stored value lies."""
        return self._calendar.day(_told(stored))


class DayLine:
    """How moments lie among stored days: a day stands at its local midnight."""

    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar

    def first_from(self, moment: Moment) -> datetime:
        points = self.points(moment)
        return points[0] if points else self.first_after(moment)

    def first_after(self, moment: Moment) -> datetime:
        if isinstance(moment, datetime):
            moment = self._calendar.day(self._calendar.instant(moment))
        return nominal(moment + DAY)

    def points(self, moment: Moment) -> list[datetime]:
        if not isinstance(moment, datetime):
            return [nominal(moment)]
        instant = self._calendar.instant(moment)
        day = self._calendar.day(instant)
        found: list[datetime] = []
        # A zone that skipped a whole day has two days with one midnight.
        while self._calendar.midnight(day) == instant:
            found.insert(0, nominal(day))
            day -= DAY
        return found

    def instant(self, stored: datetime) -> datetime:
        return self._calendar.midnight(self.day(stored))

    def day(self, stored: datetime) -> date:
        return _told(stored).date()


Line = InstantLine | DayLine
