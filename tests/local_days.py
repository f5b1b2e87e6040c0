"""Days of a local calendar: their first and last milliseconds, and comparisons with them."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from app.filters.calendar import DAY, MILLISECOND
from tests.instants import utc

DayTest = Callable[[date], bool]

# A zone, and a day on which its clock changes.
PLACES = [
    ("UTC", date(2026, 3, 29)),
    ("Europe/Warsaw", date(2026, 3, 29)),
    ("Europe/Warsaw", date(2025, 10, 26)),
    # The clock skips midnight, and repeats the hour before midnight.
    ("America/Sao_Paulo", date(2018, 11, 4)),
    ("America/Sao_Paulo", date(2018, 2, 17)),
    # The clock skips the whole 30 December.
    ("Pacific/Apia", date(2011, 12, 31)),
]


def comparisons(day: date) -> list[tuple[str, Any, DayTest]]:
    """Returns operators with values on and after a day, and what they say of the day of a value."""
    next_day = day + DAY
    text, next_text = day.isoformat(), next_day.isoformat()
    # So many days that a query searches them if no index serves it.
    many_days = [day + 2 * n * DAY for n in range(-8, 8)]
    many_texts = [other.isoformat() for other in many_days]
    return [
        ("IS", text, lambda other: other == day),
        ("IS_NOT", text, lambda other: other != day),
        ("IN", [text, (day - 2 * DAY).isoformat()], lambda other: other in (day, day - 2 * DAY)),
        ("IN", [text, next_text], lambda other: other in (day, next_day)),
        ("NOT_IN", [text, next_text], lambda other: other not in (day, next_day)),
        ("IN", many_texts, lambda other: other in many_days),
        ("NOT_IN", many_texts, lambda other: other not in many_days),
        ("BEFORE", text, lambda other: other < day),
        ("ON_OR_AFTER", text, lambda other: other >= day),
        ("AFTER", text, lambda other: other > day),
        ("ON_OR_BEFORE", text, lambda other: other <= day),
        ("BETWEEN", [text, text], lambda other: other == day),
        ("BETWEEN", [text, next_text], lambda other: day <= other <= next_day),
        ("ON", text, lambda other: other == day),
    ]


def edges_of_days(zone: str, around: date) -> dict[datetime, date]:
    """Returns the first and the last millisecond of five local days, each with its day.

    They are found without the calendar of the program: by the clock of the zone, minute by minute.
    """
    time_zone = ZoneInfo(zone)
    start = utc(around.isoformat()) - 3 * DAY
    minutes = [start + n * 60_000 * MILLISECOND for n in range(7 * 24 * 60)]
    edges: dict[datetime, date] = {}
    latest_day = minutes[0].astimezone(time_zone).date()
    for minute in minutes:
        day = minute.astimezone(time_zone).date()
        if day > latest_day:
            edges[minute - MILLISECOND], edges[minute] = latest_day, day
            latest_day = day
    return edges
