"""When an answer will change by time alone: right before and at the instant, and not in between."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from app.filters import Calendar, Facts, Filter, Now, changes_at, holds, parse
from app.filters.calendar import DAY, MILLISECOND, anniversary, read_duration
from app.filters.operators import OPERATORS
from tests.filters.corpus import CATALOG, DURATIONS, NOWS
from tests.filters.judge import Judge
from tests.filters.wire import Filters, Wire

CLOCK = [operator for operator in OPERATORS if operator.follows_clock]
FILTERS, CHANGES_A_CUSTOMER = 150, 3

_LENGTHS = [timedelta(), *map(read_duration, DURATIONS)]
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


def slow(examples: int) -> settings:
    return settings(
        max_examples=examples,
        phases=(Phase.generate, Phase.shrink),
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


def trees(filters: Filters) -> st.SearchStrategy[Wire]:
    """Filters of which most parts follow the clock."""
    leaves = st.one_of(
        *[filters.attributes(CLOCK)] * 5,
        filters.attributes(),
        *[filters.events("within")] * 2,
        filters.events("where", operators=CLOCK),
    )
    return st.recursive(
        leaves,
        lambda inner: st.builds(
            lambda kind, branches: {kind: branches},
            st.sampled_from(("all", "any", "none")),
            st.lists(inner, min_size=1, max_size=3),
        ),
        max_leaves=4,
    )


@dataclass(frozen=True)
class Case:
    """A filter to be asked of one customer from an instant on."""

    filter: Filter
    facts: Facts
    now: Now

    def at(self, instant: datetime) -> bool:
        return holds(self.filter, self.facts, replace(self.now, at=instant))

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
        for year in range(first.year, end.year + 2):
            months = range(1, 13) if thoroughly else (1, 3)
            yield from (date(year, month, 1) for month in months)
            if thoroughly:
                for moment in _moments(self.facts.document):
                    yield from (anniversary(moment.date(), year) + n * DAY for n in (-1, 0, 1, 2))


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
    """The filter asked of a few customers: mostly of those whose answer will change."""
    cases = [Case(filter_, facts, now) for facts in random.sample([*judge.customers.values()], 40)]
    changing = [case for case in cases if changes_at(filter_, case.facts, now)]
    staying = [case for case in cases if case not in changing]
    return changing[:4] + staying[:2]


def test_it_changes_then_and_not_before(judge: Judge, filters: Filters) -> None:
    """Also from each change on to the next."""
    seen: Counter[str] = Counter()

    @slow(FILTERS)
    @given(trees(filters), MOMENTS, st.randoms(use_true_random=False))
    def right(wire: Wire, now: Now, random: Random) -> None:
        for case in drawn(random, parse(wire, CATALOG), now, judge):
            for _ in range(CHANGES_A_CUSTOMER):
                assert list(case.mistakes()) == [], (wire, case.facts, case.now)
                change = changes_at(case.filter, case.facts, case.now)
                seen["a change" if change else "none"] += 1
                if change is None:
                    break
                case = replace(case, now=replace(now, at=change))

    right()
    print(seen)
    assert seen["a change"] >= 0.5 * seen.total()


def test_the_population_changes_at_the_same_instant(judge: Judge, filters: Filters) -> None:
    changes = 0

    @slow(FILTERS)
    @given(trees(filters), MOMENTS, st.randoms(use_true_random=False))
    def agree(wire: Wire, now: Now, random: Random) -> None:
        nonlocal changes
        tree = parse(wire, CATALOG)
        for case in drawn(random, tree, now, judge)[:1]:
            change = changes_at(tree, case.facts, now)
            if change is not None:
                changes += 1
                id_ = case.facts.document["_id"]
                asked = [replace(now, at=at) for at in (now.at, change - MILLISECOND, change)]
                first, before, at = (id_ in judge.selected(tree, each) for each in asked)
                assert (first, at) == (before, not before), (wire, id_, now, change)

    agree()
    assert changes >= FILTERS // 4
