"""Many filters at once are each of them by itself, now and until it is time to look again."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.filters import Facts, Filter, Now, changes_at, holds
from app.filters.calendar import MILLISECOND
from app.filters.matcher import Matcher
from tests.filters.changing import MOMENTS, horizon
from tests.filters.corpus import NOWS
from tests.filters.crowds import at_slots, customer, far, near
from tests.filters.judge import Judge
from tests.filters.test_flips import slow
from tests.filters.wire import Filters

_NOWS = pytest.mark.parametrize(
    "now", NOWS, ids=lambda now: f"{now.calendar.zone} {now.at:%Y-%m-%d}"
)


@dataclass(frozen=True)
class Crowd:
    """Many filters, and a matcher of them all."""

    filters: Mapping[int, Filter]
    matcher: Matcher

    def mistakes(self, facts: Facts, now: Now) -> Iterator[str]:
        """What is wrong with a match, if anything."""
        held, match = self.one_by_one(facts, now), self.matcher.match(facts, now)
        if match.holds != held:
            yield f"{match.holds ^ held:b} differ"
        changes = [changes_at(filter_, facts, now) for filter_ in self.filters.values()]
        first = min((change for change in changes if change), default=None)
        wakes_at = match.wakes_at
        if wakes_at is None:
            if first is not None:
                yield f"it never wakes, and something changes at {first}"
            return
        if not now.at < wakes_at <= (first or horizon(now)):
            yield f"it wakes at {wakes_at}, and something changes at {first}"
        if wakes_at.microsecond % 1000:
            yield f"{wakes_at} is no whole millisecond"
        length = wakes_at - MILLISECOND - now.at
        for share in (1, Random(str(now.at)).random()):
            at = replace(now, at=now.at + share * length)
            if self.one_by_one(facts, at) != held:
                yield f"something has changed at {at.at}, and it wakes at {wakes_at}"

    def one_by_one(self, facts: Facts, now: Now) -> int:
        return sum(1 << slot for slot, each in self.filters.items() if holds(each, facts, now))


def crowd_of(filters: Mapping[int, Filter]) -> Crowd:
    return Crowd(filters, Matcher(filters))


@pytest.fixture(scope="module")
def crowd(filters: Filters) -> Crowd:
    random = Random(20261125)
    wires = [*far(filters, 200), *(near(random) for _ in range(300))]
    return crowd_of(at_slots(random, wires))


@_NOWS
def test_it_holds_of_whom_each_holds(crowd: Crowd, judge: Judge, now: Now) -> None:
    random = Random(str(now.at))
    people = random.sample([*judge.customers.values()], 20)
    people += (customer(random) for _ in range(20))
    for facts in people:
        assert crowd.matcher.match(facts, now).holds == crowd.one_by_one(facts, now), facts


@_NOWS
def test_nothing_changes_before_it_wakes(crowd: Crowd, judge: Judge, now: Now) -> None:
    random = Random(str(now.at))
    people = random.sample([*judge.customers.values()], 3)
    for facts in [*people, *(customer(random) for _ in range(2))]:
        assert [*crowd.mistakes(facts, now)] == [], facts


def test_few_filters_wake_seldom_enough(filters: Filters, judge: Judge) -> None:
    """Few at a time, so that none hides what another one is late for; from one waking to the
    next."""
    random, woken, needless = Random(7), 0, 0
    wires = [*far(filters, 200), *(near(random) for _ in range(200))]
    people = [*judge.customers.values()]

    @slow(600)
    @given(MOMENTS, st.randoms(use_true_random=False))
    def wakes(now: Now, random: Random) -> None:
        nonlocal woken, needless
        crowd = crowd_of(at_slots(random, random.sample(wires, 4)))
        for facts in (random.choice(people), customer(random)):
            at = now
            for _ in range(3):
                assert [*crowd.mistakes(facts, at)] == [], (crowd.filters, facts, at)
                wakes_at = crowd.matcher.match(facts, at).wakes_at
                if wakes_at is None:
                    break
                if wakes_at == horizon(at):
                    break
                woken += 1
                at = replace(at, at=wakes_at)
                changed = crowd.matcher.match(facts, at).holds
                needless += changed == crowd.one_by_one(facts, replace(at, at=at.at - MILLISECOND))

    wakes()
    assert woken >= 60
    assert needless < woken / 2
