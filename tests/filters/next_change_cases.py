"""Checks the next change of filters for customers, as time passes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import compress, islice
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from app.filters import Calendar, CustomerFacts, Filter, Now, find_next_change, holds
from app.filters.calendar import DAY, MILLISECOND, anniversary, parse_duration
from tests.filters.corpus import DURATIONS, NOWS
from tests.filters.dual_evaluator import DualEvaluator
from tests.instants import utc

_DURATIONS = [timedelta(), *map(parse_duration, DURATIONS)]
_DAYS_APART = (*range(15), 30, 364, 365, 400, 36_525)
_EDGE_OFFSETS = (-MILLISECOND, timedelta(), MILLISECOND, 2 * MILLISECOND)


# Clock changes by zone, and the days around 29 February.
_LEAP_DAYS = (utc("2024-02-29T12:00"), utc("2028-02-29T12:00"))
_CLOCK_CHANGES = {
    "Europe/Warsaw": (utc("2025-10-26T01:00"), utc("2026-03-29T01:00"), *_LEAP_DAYS),
    "America/New_York": (utc("2025-11-02T06:00"), utc("2026-03-08T07:00"), *_LEAP_DAYS),
    # At midnight.
    "America/Santiago": (utc("2025-09-07T04:00"), utc("2026-04-05T03:00"), *_LEAP_DAYS),
    # By half an hour.
    "Australia/Lord_Howe": (utc("2025-10-04T15:30"), utc("2026-04-04T15:00"), *_LEAP_DAYS),
}
NOWS_NEAR_CLOCK_CHANGES = st.one_of(
    st.sampled_from(NOWS),
    st.builds(
        lambda place, distance, week_start: Now(
            place[1] + distance, Calendar(ZoneInfo(place[0]), week_start)
        ),
        st.sampled_from([(zone, at) for zone, changes in _CLOCK_CHANGES.items() for at in changes]),
        st.one_of(
            st.sampled_from(_EDGE_OFFSETS), st.timedeltas(timedelta(days=-45), timedelta(days=45))
        ),
        st.sampled_from((0, 5, 6)),
    ),
)


@dataclass(frozen=True)
class NextChangeCase:
    """A filter and a customer, evaluated from an instant on."""

    filter: Filter
    facts: CustomerFacts
    now: Now

    def holds_at(self, instant: datetime) -> bool:
        return holds(self.filter, self.facts, replace(self.now, at=instant))

    @property
    def has_next_change(self) -> bool:
        return find_next_change(self.filter, self.facts, self.now) is not None

    def find_errors(self, *, thorough: bool = True) -> Iterator[str]:
        """Yields what is wrong with the next change."""
        initial_answer, change_at = (
            self.holds_at(self.now.at),
            find_next_change(self.filter, self.facts, self.now),
        )
        last_unchanged = change_at - MILLISECOND if change_at else ten_years_later(self.now)
        if change_at is not None:
            if not self.now.at < change_at <= ten_years_later(self.now):
                yield f"{change_at} is not within the next ten years"
            if change_at.microsecond % 1000:
                yield f"{change_at} is no whole millisecond"
            if self.holds_at(change_at) == initial_answer:
                yield f"nothing changes at {change_at}"
        for instant in self._probe_instants(last_unchanged, thorough):
            if (
                self.now.at <= instant <= last_unchanged
                and self.holds_at(instant) != initial_answer
            ):
                yield f"it changes by {instant}, before {change_at}"

    def _probe_instants(self, last: datetime, thorough: bool) -> Iterator[datetime]:
        """Returns the last instant, random ones, midnights, and every instant of the customer's
        values shifted by each duration."""
        calendar, random = self.now.calendar, Random(str(self.now.at))
        period = last - self.now.at
        yield last
        yield from (self.now.at + random.random() * period for _ in range(10))
        for day in {*self._probe_days(last, thorough)}:
            midnight = calendar.midnight_of(day)
            yield from (midnight + edge for edge in (-MILLISECOND, timedelta()))
        for instant in {*_instants_in(self.facts.document), *_instants_in(self.facts.rows)}:
            for anchor in (instant, calendar.midnight_of(instant.date())):
                for duration in _DURATIONS:
                    for edge in _EDGE_OFFSETS:
                        yield anchor - duration + edge
                        yield anchor + duration + edge

    def _probe_days(self, last: datetime, thorough: bool) -> Iterator[date]:
        calendar = self.now.calendar
        first, end = calendar.day_of(self.now.at), calendar.day_of(last)
        day_count = 40 if thorough else 5
        yield from (first + n * DAY for n in range(day_count))
        yield from (end - n * DAY for n in range(day_count))
        years = range(first.year, end.year + 2)
        yield from (date(year, month, 1) for year in years for month in range(1, 13))
        for day in {instant.date() for instant in _instants_in(self.facts.document)}:
            for offset in (-DAY, timedelta(), DAY, 2 * DAY):
                yield from (anniversary(day, year) + offset for year in years)
                for day_offset in _DAYS_APART:
                    yield day - day_offset * DAY + offset
                    yield day + day_offset * DAY + offset


def ten_years_later(now: Now) -> datetime:
    """Returns the same date and time ten years later."""
    try:
        return now.at.replace(year=now.at.year + 10)
    except ValueError:
        return now.at.replace(year=now.at.year + 10, day=28)


def _instants_in(value: Any) -> Iterator[datetime]:
    """Returns every instant in a document, or in several."""
    if isinstance(value, datetime):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _instants_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _instants_in(inner)


def sample_cases(
    random: Random, filter_: Filter, now: Now, dual_evaluator: DualEvaluator
) -> list[NextChangeCase]:
    """Combines the filter with a few customers, mostly those whose result will change, among them
    members."""
    customers = random.sample([*dual_evaluator.customers.values()], len(dual_evaluator.customers))
    cases = [NextChangeCase(filter_, customer_facts, now) for customer_facts in customers]
    matching_cases = islice((case for case in cases if case.holds_at(now.at)), 4)
    changing = [case.has_next_change for case in cases[:40]]
    unchanging = [not change for change in changing]
    return [
        *[case for case in matching_cases if case.has_next_change][:2],
        *[*compress(cases, changing)][:4],
        *[*compress(cases, unchanging)][:2],
    ]
