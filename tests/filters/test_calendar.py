"""Durations, dates, and the midnights of zones whose clocks skip and repeat."""

from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.filters import Calendar, Now
from app.filters.calendar import (
    DAY,
    FIRST_DAY,
    LAST_DAY,
    MILLISECOND,
    DayOrdering,
    InstantOrdering,
    parse_date,
    parse_date_or_datetime,
    parse_datetime,
    parse_duration,
    truncate_to_milliseconds,
    utc_midnight,
)
from tests.instants import utc
from tests.random_cases import repeatable

ZONES = (
    *("UTC", "Europe/Warsaw", "America/Sao_Paulo", "Pacific/Apia", "Africa/Cairo"),
    *("America/St_Johns", "America/Havana", "Asia/Beirut", "Australia/Lord_Howe", "Asia/Kathmandu"),
    *("Pacific/Kwajalein", "America/Juneau", "Atlantic/Azores", "Asia/Manila", "America/Asuncion"),
)


def _calendar(zone: str) -> Calendar:
    return Calendar(ZoneInfo(zone))


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("P1D", timedelta(days=1)),
        ("P2W", timedelta(weeks=2)),
        ("P1W2DT3H4M5S", timedelta(weeks=1, days=2, hours=3, minutes=4, seconds=5)),
        ("PT90M", timedelta(minutes=90)),
        ("PT36H", timedelta(hours=36)),
        ("PT0.5S", timedelta(milliseconds=500)),
        ("PT0.001S", timedelta(milliseconds=1)),
        ("PT1.0019S", timedelta(milliseconds=1001)),
        ("PT1.999999999S", timedelta(milliseconds=1999)),
        ("P0DT1S", timedelta(seconds=1)),
        ("P36525D", timedelta(days=36_525)),
        ("PT3155760000S", timedelta(days=36_525)),
    ],
)
def test_duration(text: str, length: timedelta) -> None:
    assert parse_duration(text) == length


@pytest.mark.parametrize(
    "text",
    [
        *("", "P", "PT", "P1DT", "1D", "-P1D", "P-1D", "P1Y", "P1M", "P1.5D", "PT1.S", "PT.5S"),
        *("p1d", "P1D ", "P1D\n", "P 1D", "P1H", "PT1D", "P1D1W", "P٣D", "PT1,5S"),
        *("PT0S", "P0D", "PT0.0009S", "P36525DT0.001S", "P36526D", "P999999999W", "P9999999999D"),
    ],
)
def test_not_a_duration(text: str) -> None:
    with pytest.raises(ValueError, match="must"):
        parse_duration(text)


def test_dates() -> None:
    assert parse_date("2024-02-29") == date(2024, 2, 29)
    assert parse_date(FIRST_DAY.isoformat()) == FIRST_DAY
    assert parse_date(LAST_DAY.isoformat()) == LAST_DAY


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "2026",
            "2026-3-29",
            "20260329",
            "2026-02-29",
            "2026-13-01",
            "2026-W13-7",
            "2026-088",
        ),
        *("0000-01-01", "0001-01-01", "9999-12-31", "99999-01-01", "٢٠٢٦-٠٣-٢٩", "2026-03-29\n"),
    ],
)
def test_not_a_date(text: str) -> None:
    with pytest.raises(ValueError, match=r"must|is not"):
        parse_date(text)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-03-29T12:00:00Z", utc("2026-03-29T12:00:00")),
        ("2026-03-29t12:00:00z", utc("2026-03-29T12:00:00")),
        ("2026-03-29T12:00Z", utc("2026-03-29T12:00:00")),
        ("2026-03-29T12:00:00.1Z", utc("2026-03-29T12:00:00.100")),
        ("2026-03-29T12:00:00.123999999Z", utc("2026-03-29T12:00:00.123")),
        ("2026-03-29T12:00:00+05:30", utc("2026-03-29T06:30:00")),
        ("2026-03-29T12:00:00-23:59", utc("2026-03-30T11:59:00")),
        ("2026-03-29T12:00:00", datetime(2026, 3, 29, 12)),  # noqa: DTZ001 - local time
    ],
)
def test_datetime(text: str, instant: datetime) -> None:
    read = parse_datetime(text)
    assert (read, read.tzinfo) == (instant, instant.tzinfo)


@pytest.mark.parametrize(
    "text",
    [
        *("", "2026-03-29", "2026-03-29T", "2026-03-29T12", "2026-03-29 12:00:00Z"),
        *("2026-03-29T24:00:00Z", "2026-03-29T12:60:00Z", "2026-03-29T12:00:60Z"),
        *("2026-03-29T12:00.5Z", "2026-03-29T12:00:00+24:00", "2026-03-29T12:00:00+02"),
        *("0000-01-01T00:00:00Z", "0001-01-03T00:00:00+01:00", "9999-12-29T23:00:00-02:00"),
    ],
)
def test_not_a_datetime(text: str) -> None:
    with pytest.raises(ValueError, match=r"must|is not"):
        parse_datetime(text)


def test_the_furthest_instants_stay_representable() -> None:
    for zone in ("Pacific/Kiritimati", "Etc/GMT+12"):
        calendar = _calendar(zone)
        for text in ("0001-01-03", "0001-01-03T00:00:00Z", "9999-12-29", "9999-12-29T23:59:59Z"):
            for line in (DayOrdering(calendar), InstantOrdering(calendar)):
                moment = parse_date_or_datetime(text)
                assert line.first_at_or_after(moment) <= line.first_after(moment)
                assert line.span(moment, moment)[0] <= line.span(moment, moment)[1]


def test_now_is_cut_to_milliseconds_in_utc() -> None:
    warsaw = datetime(2026, 3, 29, 14, 0, 0, 123_999, tzinfo=ZoneInfo("Europe/Warsaw"))
    assert Now(warsaw, _calendar("UTC")).at == utc("2026-03-29T12:00:00.123")
    assert Now(warsaw, _calendar("UTC")).at.tzinfo is UTC


@pytest.mark.parametrize(
    ("zone", "day", "instant"),
    [
        ("Europe/Warsaw", "2026-03-29", "2026-03-28T23:00"),
        # The clock goes from 00:00 to 01:00.
        ("America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00"),
        ("Africa/Cairo", "2024-04-26", "2024-04-25T22:00"),
        # It goes back from 00:00 to 23:00: the day begins an hour later.
        ("America/Sao_Paulo", "2018-02-18", "2018-02-18T03:00"),
        # It goes back from 01:00 to 00:00: midnight comes twice, the first counts.
        ("America/Havana", "2024-11-03", "2024-11-03T04:00"),
        # It goes back from 00:01 to 23:01 of the day before, and the day had begun.
        ("America/St_Johns", "2010-11-07", "2010-11-07T02:30"),
        # The 30th did not exist.
        ("Pacific/Apia", "2011-12-29", "2011-12-29T10:00"),
        ("Pacific/Apia", "2011-12-30", "2011-12-30T10:00"),
        ("Pacific/Apia", "2011-12-31", "2011-12-30T10:00"),
        ("Pacific/Apia", "2012-01-01", "2011-12-31T10:00"),
    ],
)
def test_midnight(zone: str, day: str, instant: str) -> None:
    assert _calendar(zone).midnight_of(date.fromisoformat(day)) == utc(instant)


@pytest.mark.parametrize(
    ("zone", "local", "instant"),
    [
        ("Europe/Warsaw", "2026-03-29T02:30", "2026-03-29T01:00"),
        ("Europe/Warsaw", "2026-03-29T03:00", "2026-03-29T01:00"),
        ("Europe/Warsaw", "2025-10-26T02:30", "2025-10-26T00:30"),
        ("America/Sao_Paulo", "2018-11-04T00:30", "2018-11-04T03:00"),
        ("Pacific/Apia", "2011-12-30T15:00", "2011-12-30T10:00"),
    ],
)
def test_local_time_is_the_first_instant_at_which_the_clock_is_there(
    zone: str, local: str, instant: str
) -> None:
    assert _calendar(zone).to_instant(parse_datetime(local)) == utc(instant)


def _first_instant(zone: ZoneInfo, day: date) -> datetime:
    """Searches the first whole minute at which the zone's date is the day or later."""
    minute = utc_midnight(day) - timedelta(hours=26)
    while minute.astimezone(zone).date() < day:
        minute += timedelta(minutes=1)
    return minute


_HOUR_OFFSETS = st.timedeltas(timedelta(hours=-30), timedelta(hours=30))
_DAYS = st.dates(date(1975, 1, 1), date(2035, 12, 31))


@cache
def _days_of_clock_change(zone: str) -> list[date]:
    """Returns the days around the clock changes of a zone."""
    days: list[date] = []
    noons = [utc("1975-01-01T12:00") + timedelta(days=n) for n in range(365 * 55)]
    for before, after in pairwise(noons):
        if (
            before.astimezone(ZoneInfo(zone)).utcoffset()
            != after.astimezone(ZoneInfo(zone)).utcoffset()
        ):
            days += [before.date(), after.date(), after.date() + DAY]
    return days


_ZONES = st.sampled_from(ZONES)


def _days_of_zone(zone: str) -> st.SearchStrategy[tuple[str, date]]:
    changes = _days_of_clock_change(zone)
    return st.tuples(st.just(zone), st.sampled_from(changes) | _DAYS if changes else _DAYS)


@repeatable(400)
@given(_ZONES.flatmap(_days_of_zone))
def test_a_day_begins_at_the_first_instant_of_its_date(place: tuple[str, date]) -> None:
    zone, day = place
    assert _calendar(zone).midnight_of(day) == _first_instant(ZoneInfo(zone), day)


@repeatable(400)
@given(_ZONES.flatmap(_days_of_zone), _HOUR_OFFSETS)
def test_an_instant_is_of_the_last_day_that_has_begun(
    place: tuple[str, date], distance: timedelta
) -> None:
    zone, around = place
    calendar = _calendar(zone)
    instant = truncate_to_milliseconds(utc_midnight(around) + distance)
    day = calendar.day_of(instant)
    assert calendar.midnight_of(day) <= instant < calendar.midnight_of(day + DAY)


@repeatable(400)
@given(_ZONES.flatmap(_days_of_zone), st.none() | _HOUR_OFFSETS)
def test_a_day_stands_at_its_midnight_among_instants(
    place: tuple[str, date], distance: timedelta | None
) -> None:
    zone, around = place
    calendar, line = _calendar(zone), DayOrdering(_calendar(zone))
    instant = (
        truncate_to_milliseconds(utc_midnight(around) + distance)
        if distance
        else calendar.midnight_of(around)
    )
    days = [around + timedelta(days=n) for n in range(-4, 5)]
    since = [utc_midnight(day) for day in days if calendar.midnight_of(day) >= instant]
    after = [utc_midnight(day) for day in days if calendar.midnight_of(day) > instant]
    assert line.first_at_or_after(instant) == since[0]
    assert line.first_after(instant) == after[0]
    assert line.span(instant, instant) == (since[0], after[0])


def test_among_instants_an_instant_is_itself_and_a_date_is_the_whole_day() -> None:
    line = InstantOrdering(_calendar("Europe/Warsaw"))
    midnight = utc("2026-03-28T23:00")
    assert line.first_at_or_after(date(2026, 3, 29)) == midnight
    # The clock skips an hour on this day.
    assert line.first_after(date(2026, 3, 29)) == midnight + timedelta(hours=23)
    assert line.span(midnight, midnight) == (midnight, midnight + MILLISECOND)
