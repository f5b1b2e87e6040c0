"""The matcher gives the same result and the same next timer as each filter by itself."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from random import Random

import pytest
from hypothesis import given

from app.filters import CustomerFacts, Filter, Now, find_next_change, holds
from app.filters.calendar import MILLISECOND
from app.filters.matcher import Matcher
from tests.filters.corpus import NOWS
from tests.filters.dual_evaluator import DualEvaluator
from tests.filters.filter_strategies import FilterStrategies
from tests.filters.next_change_cases import NOWS_NEAR_CLOCK_CHANGES, ten_years_later
from tests.filters.similar_filters import assign_slots, draw_filters, random_customer, random_filter
from tests.random_cases import RANDOM_GENERATORS, repeatable

PARAMETRIZE_NOW = pytest.mark.parametrize(
    "now", NOWS, ids=lambda now: f"{now.calendar.time_zone} {now.at:%Y-%m-%d}"
)


@dataclass(frozen=True)
class FilterSet:
    """Many filters, and a matcher for all of them."""

    filters: Mapping[int, Filter]
    matcher: Matcher

    def find_errors(self, facts: CustomerFacts, now: Now) -> Iterator[str]:
        """Returns what is wrong with a match; None if it is right."""
        expected, match = self.evaluate_separately(facts, now), self.matcher.match(facts, now)
        if match.matching_slots != expected:
            yield f"{match.matching_slots ^ expected:b} differ"
        changes_at_ = [find_next_change(filter_, facts, now) for filter_ in self.filters.values()]
        first_change_at = min((change_at for change_at in changes_at_ if change_at), default=None)
        next_timer_at = match.next_timer_at
        if next_timer_at is None:
            if first_change_at is not None:
                yield f"it never wakes, and something changes at {first_change_at}"
            return
        if not now.at < next_timer_at <= (first_change_at or ten_years_later(now)):
            yield f"it wakes at {next_timer_at}, and something changes at {first_change_at}"
        if next_timer_at.microsecond % 1000:
            yield f"{next_timer_at} is no whole millisecond"
        wait = next_timer_at - MILLISECOND - now.at
        for fraction in (1, Random(str(now.at)).random()):
            at = replace(now, at=now.at + fraction * wait)
            if self.evaluate_separately(facts, at) != expected:
                yield f"something has changed at {at.at}, and it wakes at {next_timer_at}"

    def evaluate_separately(self, facts: CustomerFacts, now: Now) -> int:
        return sum(
            1 << slot for slot, filter_ in self.filters.items() if holds(filter_, facts, now)
        )


def filter_set_of(filters: Mapping[int, Filter]) -> FilterSet:
    return FilterSet(filters, Matcher(filters))


@pytest.fixture(scope="module")
def filter_set(filter_strategies: FilterStrategies) -> FilterSet:
    random = Random(20261125)
    wires = [*draw_filters(filter_strategies, 200), *(random_filter(random) for _ in range(300))]
    return filter_set_of(assign_slots(random, wires))


@PARAMETRIZE_NOW
def test_the_matcher_equals_each_filter(
    filter_set: FilterSet, dual_evaluator: DualEvaluator, now: Now
) -> None:
    random = Random(str(now.at))
    people = random.sample([*dual_evaluator.customers.values()], 20)
    people += (random_customer(random) for _ in range(20))
    for facts in people:
        assert filter_set.matcher.match(
            facts, now
        ).matching_slots == filter_set.evaluate_separately(facts, now), facts


@PARAMETRIZE_NOW
def test_nothing_changes_before_the_next_timer(
    filter_set: FilterSet, dual_evaluator: DualEvaluator, now: Now
) -> None:
    random = Random(str(now.at))
    people = random.sample([*dual_evaluator.customers.values()], 3)
    for facts in [*people, *(random_customer(random) for _ in range(2))]:
        assert [*filter_set.find_errors(facts, now)] == [], facts


def test_few_filters_set_few_timers(
    filter_strategies: FilterStrategies, dual_evaluator: DualEvaluator
) -> None:
    """Few filters at a time, so that no other filter hides a late timer; from one timer to the
    next."""
    random, due, needless = Random(7), 0, 0
    similar_filters = [random_filter(random) for _ in range(200)]
    filters = [*draw_filters(filter_strategies, 200), *similar_filters]
    people = [*dual_evaluator.customers.values()]

    def follow_timers(filter_set: FilterSet, now: Now, random: Random) -> Iterator[bool]:
        """Yields for each timer whether it was needless: no filter changed its answer."""
        for facts in (random.choice(people), random_customer(random)):
            at = now
            for _ in range(3):
                errors = [*filter_set.find_errors(facts, at)]
                assert errors == [], (filter_set.filters, facts, at)
                timer_at = filter_set.matcher.match(facts, at).next_timer_at
                if timer_at is None or timer_at == ten_years_later(at):
                    break
                at = replace(at, at=timer_at)
                changed = filter_set.matcher.match(facts, at).matching_slots
                before = replace(at, at=timer_at - MILLISECOND)
                yield changed == filter_set.evaluate_separately(facts, before)

    @repeatable(400)
    @given(NOWS_NEAR_CLOCK_CHANGES, RANDOM_GENERATORS)
    def follow_drawn_timers(now: Now, random: Random) -> None:
        filter_set = filter_set_of(assign_slots(random, random.sample(filters, 4)))
        for _ in follow_timers(filter_set, now, random):
            pass

    follow_drawn_timers()
    # Hypothesis repeats what it has drawn, so shares are taken of plain random choices.
    for _ in range(400):
        filter_set = filter_set_of(assign_slots(random, random.sample(similar_filters, 4)))
        for is_needless in follow_timers(filter_set, random.choice(NOWS), random):
            due += 1
            needless += is_needless
    assert due >= 60
    # A window that ends before now also has timers for rows that enter it.
    assert needless < 0.6 * due, (needless, due)
