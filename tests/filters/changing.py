"""Filters asked of customers as time goes by: what is wrong with the instants of their changes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import compress, islice
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from app.filters import Calendar, Facts, Filter, Now, changes_at, holds
from app.filters.calendar import DAY, MILLISECOND, anniversary, read_duration
from tests.filters.corpus import DURATIONS, NOWS
from tests.filters.judge import Judge

_LENGTHS = [timedelta(), *map(read_duration, DURATIONS)]
_DAYS_APART = (*range(15), 30, 364, 365, 400, 36_525)
_EDGES = (-MILLISECOND, timedelta(), MILLISECOND, 2 * MILLISECOND)


def _utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# Where clocks change, by zone; and the days around 29 February.
_LEAP = (_utc("2024-02-29T12:00"), _utc("2028-02-29T12:00"))
_CHANGES = {
    "Europe/Warsaw": (_utc("2025-10-26T01:00"), _utc("2026-03-29T01:00"), *_LEAP),
    "America/New_York": (_utc("2025-11-02T06:00"), _utc("2026-03-08T07:00"), *_LEAP),
    # At midnight.
    "America/Santiago": (_utc("2025-09-07T04:00"), _utc("2026-04-05T03:00"), *_LEAP),
    # By half an hour.
    "Australia/Lord_Howe": (_utc("2025-10-04T15:30"), _utc("2026-04-04T15:00"), *_LEAP),
}
MOMENTS = st.one_of(
    st.sampled_from(NOWS),
    st.builds(
        lambda place, distance, week_start: Now(
            place[1] + distance, Calendar(ZoneInfo(place[0]), week_start)
        ),
        st.sampled_from([(zone, at) for zone, changes in _CHANGES.items() for at in changes]),
        st.one_of(st.sampled_from(_EDGES), st.timedeltas(timedelta(days=-45), timedelta(days=45))),
        st.sampled_from((0, 5, 6)),
    ),
)


@dataclass(frozen=True)
class Case:
    """A filter to be asked of one customer from an instant on."""

    filter: Filter
    facts: Facts
    now: Now

    def at(self, instant: datetime) -> bool:
        return holds(self.filter, self.facts, replace(self.now, at=instant))

    @property
    def changes(self) -> bool:
        return changes_at(self.filter, self.facts, self.now) is not None

    def mistakes(self, *, thoroughly: bool = True) -> Iterator[str]:
        """What is wrong with the answer, if anything."""
        before, change = self.at(self.now.at), changes_at(self.filter, self.facts, self.now)
        last = change - MILLISECOND if change else horizon(self.now)
        if change is not None:
            if not self.now.at < change <= horizon(self.now):
                yield f"{change} is not within the next ten years"
            if change.microsecond % 1000:
                yield f"{change} is no whole millisecond"
            if self.at(change) == before:
                yield f"nothing changes at {change}"
        for instant in self._probes(last, thoroughly):
            if self.now.at <= instant <= last and self.at(instant) != before:
                yield f"it changes by {instant}, before {change}"

    def _probes(self, last: datetime, thoroughly: bool) -> Iterator[datetime]:
        """The last instant, some at random, and wherever something might happen: midnights, and
        every moment that is known of the customer, so long before and after."""
        calendar, random = self.now.calendar, Random(str(self.now.at))
        length = last - self.now.at
        yield last
        yield from (self.now.at + random.random() * length for _ in range(10))
        for day in {*self._days(last, thoroughly)}:
            midnight = calendar.midnight(day)
            yield from (midnight + edge for edge in (-MILLISECOND, timedelta()))
        for moment in {*_moments(self.facts.document), *_moments(self.facts.rows)}:
            for place in (moment, calendar.midnight(moment.date())):
                for distance in _LENGTHS:
                    for edge in _EDGES:
                        yield place - distance + edge
                        yield place + distance + edge

    def _days(self, last: datetime, thoroughly: bool) -> Iterator[date]:
        calendar = self.now.calendar
        first, end = calendar.day(self.now.at), calendar.day(last)
        near = 40 if thoroughly else 5
        yield from (first + n * DAY for n in range(near))
        yield from (end - n * DAY for n in range(near))
        years = range(first.year, end.year + 2)
        yield from (date(year, month, 1) for year in years for month in range(1, 13))
        for day in {moment.date() for moment in _moments(self.facts.document)}:
            for distance in (-DAY, timedelta(), DAY, 2 * DAY):
                yield from (anniversary(day, year) + distance for year in years)
                for apart in _DAYS_APART:
                    yield day - apart * DAY + distance
                    yield day + apart * DAY + distance


def horizon(now: Now) -> datetime:
    """The same date and time ten years on."""
    try:
        return now.at.replace(year=now.at.year + 10)
    except ValueError:
        return now.at.replace(year=now.at.year + 10, day=28)


def _moments(found: Any) -> Iterator[datetime]:
    """Every moment in a document, or in several."""
    if isinstance(found, datetime):
        yield found
    elif isinstance(found, Mapping):
        for inner in found.values():
            yield from _moments(inner)
    elif isinstance(found, list):
        for inner in found:
            yield from _moments(inner)


def drawn(random: Random, filter_: Filter, now: Now, judge: Judge) -> list[Case]:
    """The filter asked of a few customers: mostly of those whose answer will change, some of whom
    meet it now, however few do."""
    facts = random.sample([*judge.customers.values()], len(judge.customers))
    cases = [Case(filter_, each, now) for each in facts]
    held = islice((case for case in cases if case.at(now.at)), 4)
    changes = [case.changes for case in cases[:40]]
    staying = [not change for change in changes]
    return [
        *[case for case in held if case.changes][:2],
        *[*compress(cases, changes)][:4],
        *[*compress(cases, staying)][:2],
    ]
