"""Many filters at once are each of them by itself, now and until it is time to look again."""

from collections.abc import Mapping
from dataclasses import replace
from random import Random

import pytest

from app.filters import Facts, Filter, Now, changes_at, holds
from app.filters.calendar import MILLISECOND
from app.filters.matcher import Matcher
from tests.filters.changing import horizon
from tests.filters.corpus import NOWS
from tests.filters.crowds import at_slots, far, near
from tests.filters.judge import Judge
from tests.filters.wire import Filters

_CUSTOMERS = 50


def _one_by_one(filters: Mapping[int, Filter], facts: Facts, now: Now) -> int:
    return sum(1 << slot for slot, filter_ in filters.items() if holds(filter_, facts, now))


@pytest.fixture(scope="module")
def crowd(filters: Filters) -> dict[int, Filter]:
    random = Random(20261125)
    return at_slots(random, [*far(filters, 200), *(near(random) for _ in range(300))])


@pytest.mark.parametrize("now", NOWS, ids=lambda now: f"{now.calendar.zone} {now.at:%Y-%m-%d}")
def test_it_holds_of_whom_each_holds(crowd: dict[int, Filter], judge: Judge, now: Now) -> None:
    matcher = Matcher(crowd)
    for facts in Random(str(now.at)).sample([*judge.customers.values()], _CUSTOMERS):
        assert matcher.match(facts, now).holds == _one_by_one(crowd, facts, now)


@pytest.mark.parametrize("now", NOWS, ids=lambda now: f"{now.calendar.zone} {now.at:%Y-%m-%d}")
def test_nothing_changes_before_it_wakes(crowd: dict[int, Filter], judge: Judge, now: Now) -> None:
    random, matcher, woken = Random(str(now.at)), Matcher(crowd), 0
    for facts in random.sample([*judge.customers.values()], 10):
        match = matcher.match(facts, now)
        changes = [changes_at(filter_, facts, now) for filter_ in crowd.values()]
        first = min((change for change in changes if change), default=None)
        if match.wakes_at is None:
            assert first is None
            continue
        woken += 1
        assert now.at < match.wakes_at <= (first or horizon(now))
        assert match.wakes_at.microsecond % 1000 == 0
        length = match.wakes_at - MILLISECOND - now.at
        for share in (1, random.random()):
            at = replace(now, at=now.at + share * length)
            assert _one_by_one(crowd, facts, at) == match.holds
    assert woken
