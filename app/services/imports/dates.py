"""Reads dates and times as files have them, and returns them as ISO 8601 text.

What a date means is never guessed: dates with the day or the month first, and times without an
offset, need an option.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from app.filters.calendar import Calendar, parse_date
from app.services.imports.options import DateFormat

# The form of the API, which is passed on as it is.
_API_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?"
    r"(?:Z|[+-][0-9]{2}:[0-9]{2})"
)
_TIME = (
    r"(?:(?:[Tt]|,? +)(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})"
    r"(?::(?P<second>[0-9]{2})(?:\.(?P<fraction>[0-9]{1,9}))?)?(?: *(?P<half>[AaPp])\.?[Mm]\.?)?"
    r"(?: *(?P<offset>Z|z|UTC|GMT|[+-][0-9]{2}:?[0-9]{2}))?)?"
)
_ISO = re.compile(r"(?P<year>[0-9]{4})-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})" + _TIME)
_NUMBERS = re.compile(
    r"(?P<first>[0-9]{1,2})(?P<mark>[/.-])(?P<second_number>[0-9]{1,2})(?P=mark)(?P<year>[0-9]{4})"
    + _TIME
)
_UNIX = re.compile(r"[0-9]{1,16}(?:\.[0-9]{1,9})?")
_MIN_UNIX_MILLISECONDS = 100_000_000_000
_MINUTES_PER_DAY = 24 * 60
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class NeedsOption(ValueError):
    """The text can't be read without an option, which the message names."""


@dataclass(frozen=True)
class DateReader:
    """Reads dates by the options `--dates` and `--zone`."""

    format: DateFormat | None = None
    zone: ZoneInfo | None = None

    def to_day(self, text: str) -> str:
        """Returns YYYY-MM-DD. Raises ValueError for other text, and for a date with a time that is
        not midnight."""
        text = text.strip()
        if self.format is DateFormat.UNIX and _UNIX.fullmatch(text):
            return _from_unix(text).date().isoformat()
        match = self._match(text)
        local = _to_local(match, self._numbers(match))
        if local.time() != datetime.min.time():
            raise ValueError("must be a date without a time")
        return local.date().isoformat()

    def to_instant(self, text: str) -> str:
        """Returns an instant with its offset. Raises ValueError for other text, and NeedsOption for
        a date alone or a time without an offset if no zone is given."""
        if _API_INSTANT.fullmatch(text):
            return text
        text = text.strip()
        if self.format is DateFormat.UNIX and _UNIX.fullmatch(text):
            return _to_text(_from_unix(text))
        match = self._match(text)
        local = _to_local(match, self._numbers(match))
        if match["offset"]:
            return _to_text(local.replace(tzinfo=_to_zone(match["offset"])))
        if self.zone is None:
            raise NeedsOption(
                "has no time zone; say which, like --zone Europe/Berlin or --zone UTC"
            )
        try:
            return _to_text(Calendar(self.zone).to_instant(local))
        except OverflowError:
            raise ValueError("is not a valid date and time") from None

    def to_metadata_instant(self, text: str) -> str:
        """Returns a datetime for a metadata key. Without an offset and without `--zone` it stays
        local time, which a key defined as DATETIME reads in the project's time zone."""
        match = self._match(text.strip()) if self.format is not DateFormat.UNIX else None
        if match is None or match["offset"] or self.zone:
            return self.to_instant(text)
        return _to_local(match, self._numbers(match)).isoformat()

    def _match(self, text: str) -> re.Match[str]:
        match = _ISO.fullmatch(text) or _NUMBERS.fullmatch(text)
        if match:
            return match
        if _UNIX.fullmatch(text):
            raise NeedsOption("is a number; say --dates unix if it is seconds since 1970")
        raise ValueError("must be a date like 2026-03-29 or 2026-03-29T12:00:00Z")

    def _numbers(self, match: re.Match[str]) -> tuple[int, int, int]:
        """Returns year, month and day."""
        if match.re is _ISO:
            return int(match["year"]), int(match["month"]), int(match["day"])
        first, second, year = int(match["first"]), int(match["second_number"]), int(match["year"])
        match self.format:
            case DateFormat.DAY_FIRST:
                return year, second, first
            case DateFormat.MONTH_FIRST:
                return year, first, second
        raise NeedsOption(
            "has its day or its month first; say which: --dates dmy (3/4 is 3 April) or --dates mdy"
            " (3/4 is 4 March)"
        )


def _to_local(match: re.Match[str], numbers: tuple[int, int, int]) -> datetime:
    hour, minute, second = (int(match[name] or 0) for name in ("hour", "minute", "second"))
    if match["half"]:
        if not 1 <= hour <= 12:
            raise ValueError("is not a valid date and time")
        hour = hour % 12 + (12 if match["half"] in "pP" else 0)
    microsecond = int((match["fraction"] or "").ljust(6, "0")[:6])
    try:
        local = datetime(*numbers, hour, minute, second, microsecond)  # noqa: DTZ001 - it is local time
    except ValueError:
        raise ValueError("is not a day in the calendar or not a time") from None
    parse_date(local.date().isoformat())
    return local


def _to_zone(offset: str) -> timezone:
    if offset in ("Z", "z", "UTC", "GMT"):
        return UTC
    minutes = 60 * int(offset[1:3]) + int(offset[-2:])
    if minutes >= _MINUTES_PER_DAY:
        raise ValueError("is not a valid date and time")
    return timezone(timedelta(minutes=-minutes if offset[0] == "-" else minutes))


def _from_unix(text: str) -> datetime:
    """Returns the instant of a number of seconds, or from 12 digits on of milliseconds."""
    seconds = float(text)
    if seconds >= _MIN_UNIX_MILLISECONDS:
        seconds /= 1_000
    try:
        return _EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        raise ValueError("is too late for a date") from None


def _to_text(instant: datetime) -> str:
    precision = "milliseconds" if instant.microsecond else "seconds"
    return instant.astimezone(UTC).isoformat(timespec=precision).replace("+00:00", "Z")
