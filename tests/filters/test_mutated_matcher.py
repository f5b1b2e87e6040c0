"""The tests detect each mutation of the matcher."""

import math
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from app.filters import CustomerFacts
from app.filters.calendar import MILLISECOND
from app.filters.fields import is_number
from app.filters.matcher.condition_indexes import ConditionIndex, NumberRangeIndex
from app.filters.matcher.interval_index import Interval, IntervalIndex
from app.filters.matcher.measure_index import MeasureIndex
from app.filters.matcher.rule_blocks import RuleBlock
from app.filters.matcher.timers import MatchTimers
from app.filters.matcher.unindexed_conditions import TimeDependentAttribute
from app.filters.operators.operator import elements
from tests.filters.corpus import NOWS
from tests.filters.filter_strategies import FilterStrategies, Wire
from tests.filters.similar_filters import assign_slots, draw_filters, random_customer, random_filter
from tests.filters.test_matcher import FilterSet, filter_set_of

FILTER_SETS = 400
CUSTOMERS_PER_SET = 2
TIMERS_PER_CUSTOMER = 2

_NUMBER_RANGES: list[Wire] = [
    {"attribute": {"path": "metadata.n", "operator": operator, "value": 5}}
    for operator in ("LESS_THAN", "LESS_THAN_OR_EQUAL", "GREATER_THAN", "GREATER_THAN_OR_EQUAL")
]


@pytest.fixture(scope="module")
def wires(filter_strategies: FilterStrategies) -> list[Wire]:
    random = Random(12)
    return [*draw_filters(filter_strategies, 100), *(random_filter(random) for _ in range(200))]


def _find_errors(wires: list[Wire], filter_set_count: int = FILTER_SETS) -> Iterator[str]:
    """Evaluates small sets of filters from one timer to the next; returns the first error."""
    random = Random(11)
    ranges = filter_set_of(assign_slots(random, _NUMBER_RANGES))
    yield from ranges.find_errors(CustomerFacts({"metadata": {"n": math.nan}}, {}), NOWS[0])
    for _ in range(filter_set_count):
        filter_set = filter_set_of(assign_slots(random, random.sample(wires, 12)))
        for _ in range(CUSTOMERS_PER_SET):
            yield from _find_errors_of_customer(filter_set, random_customer(random), random)


def _find_errors_of_customer(
    filter_set: FilterSet, facts: CustomerFacts, random: Random
) -> Iterator[str]:
    now = random.choice(NOWS)
    for _ in range(TIMERS_PER_CUSTOMER):
        yield from filter_set.find_errors(facts, now)
        next_timer_at = filter_set.matcher.match(facts, now).next_timer_at
        if next_timer_at is None:
            return
        now = replace(now, at=next_timer_at)


def test_the_original_matcher_passes(wires: list[Wire]) -> None:
    assert [*_find_errors(wires, 60)] == []


def _never_equal_to_threshold(self: IntervalIndex, value: Any) -> int:
    return 2 * bisect_left(self.thresholds, value)


def _always_equal_to_threshold(self: IntervalIndex, value: Any) -> int:
    return 2 * min(bisect_left(self.thresholds, value), len(self.thresholds) - 1) + 1


def _nan_is_least(self: NumberRangeIndex, value: Any, now: Any = None) -> int:
    return (
        self._intervals.bitmap_of(self._intervals.find_bucket(value))
        if is_number(value)
        else self._default_bitmap
    )


def _first_element(self: ConditionIndex, stored: Any, now: Any) -> int:
    if isinstance(stored, list):
        stored = next(elements(stored), None)
    return self.evaluate_value(stored, now)


def _all_branches(self: RuleBlock, branches: int, width: int) -> int:
    matched = self._row_mask
    while width:
        matched &= branches
        branches >>= self.rule_count
        width -= self.rule_count
    return matched


def _cached_forever(self: TimeDependentAttribute, document: Any, now: Any) -> Any:
    stored = self.condition.field.read(document)
    key = str(stored)
    if key not in self._answers:
        self._answers[key] = self._compute_answer(stored, now)
    return self._answers[key]


_ORIGINAL_FOR_COLUMN: Any = MatchTimers.add_index
_ORIGINAL_FOR_SINGLE: Any = MatchTimers.add_condition
_ORIGINAL_FOR_MEASURE: Any = MatchTimers.add_measure
_ORIGINAL_EVENTS_INIT = MeasureIndex.__init__
_ORIGINAL_PASSED = IntervalIndex.find_threshold_below


def _everything_matches_none(self: MeasureIndex, requested: Any, all_rules: int) -> None:
    _ORIGINAL_EVENTS_INIT(self, requested, all_rules)
    self.bitmap_without_rows = all_rules


_MATCHER_PACKAGE = "app.filters.matcher."


@pytest.mark.parametrize(
    ("target", "mutation"),
    [
        ("interval_index.IntervalIndex.find_bucket", _never_equal_to_threshold),
        ("interval_index.IntervalIndex.find_bucket", _always_equal_to_threshold),
        ("interval_index.IntervalIndex.find_threshold_below", lambda *_: None),
        ("condition_indexes.NumberRangeIndex.evaluate_value", _nan_is_least),
        ("condition_indexes.is_number", lambda value: isinstance(value, int | float)),
        ("condition_indexes.ConditionIndex.evaluate", _first_element),
        ("condition_indexes.MILLISECOND", 2 * MILLISECOND),
        ("condition_indexes.InstantOrdering", lambda calendar: _LateLine()),
        ("condition_indexes.offset_interval", lambda _: Interval(None, (timedelta(), False))),
        ("condition_indexes.time_intervals", lambda *_: []),
        ("rule_blocks.RuleBlock._merge_branches", _all_branches),
        (
            "rule_blocks.RuleBlock.unreachable_branches",
            lambda self, left: self._block_mask << self.first_bit,
        ),
        ("unindexed_conditions.TimeDependentAttribute._get_answer", _cached_forever),
        ("unindexed_conditions.TimeDependentAttribute.next_change", lambda *_: None),
        ("unindexed_conditions.UnindexedSegment.next_change", lambda *_: None),
        ("measure_index.MeasureConditions.next_change", lambda *_: None),
        ("measure_index.MeasureIndex.__init__", _everything_matches_none),
        ("matcher.group_rows_by_kind", lambda facts, calendar: {}),
        ("matcher.filter_rows", lambda measure, rows, now: rows),
        ("timers.MatchTimers.add_index", lambda *a: _ORIGINAL_FOR_COLUMN(*a[:-1], 0)),
        ("timers.MatchTimers.add_condition", lambda *a: _ORIGINAL_FOR_SINGLE(*a[:-1], 0)),
        ("timers.MatchTimers.add_measure", lambda *a: _ORIGINAL_FOR_MEASURE(*a[:-1], 0)),
    ],
    ids=str,
)
def test_a_mutation_is_detected(
    target: str, mutation: Any, wires: list[Wire], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_MATCHER_PACKAGE + target, mutation)
    assert next(_find_errors(wires), None)


class _LateLine:
    """An index whose instants are all too late."""

    def to_instant(self, stored: Any) -> Any:
        return stored + MILLISECOND
