"""Finds which of many filters match one customer, and when to evaluate the customer again."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from app.filters.calendar import Now
from app.filters.evaluate import CustomerFacts, Evaluation, compute_measure, filter_rows
from app.filters.matcher.bitmaps import to_bitmap
from app.filters.matcher.layout import build_layout
from app.filters.matcher.measure_index import group_rows_by_kind
from app.filters.matcher.rule_index import build_rule_index, index_key
from app.filters.matcher.timers import MatchTimers
from app.filters.tree import Filter, Measure
from app.filters.walk import measures


class Match(NamedTuple):
    """The filters that match a customer at an instant.

    `matching_slots` is a bitmap: the bit at a filter's slot is set if that filter matches.
    `next_timer_at` is the first millisecond at which the passing of time alone may change the
    answer, at most ten years ahead; None if time will never change it.
    """

    matching_slots: int
    next_timer_at: datetime | None


class Matcher:
    """Filters, by their slots, compiled once to be matched against many customers.

    A filter becomes a rule: literals that must all hold, and disjunctions of branches. The matcher
    starts with a bitmap of all rules, `remaining`, and removes the rules that a condition excludes.
    Each index answers its conditions for all rules at once. The matcher evaluates the other
    conditions one by one, and computes measures of events, only for rules that still remain.
    """

    def __init__(self, filters: Mapping[int, Filter]) -> None:
        self.measures: list[Measure] = [
            *dict.fromkeys(measure for filter_ in filters.values() for measure in measures(filter_))
        ]
        literals_by_rule, self._levels = build_layout(filters, index_key)
        self._filter_bitmap, self._rule_bitmap = to_bitmap(filters), to_bitmap(literals_by_rule)
        self._index = build_rule_index(literals_by_rule)

    def match(self, facts: CustomerFacts, now: Now) -> Match:
        """Matches the filters against the customer's facts at the instant `now.at`.

        The facts must have the rows that `measure_stages.candidate_rows_predicate` selects.
        """
        index, timers = self._index, MatchTimers(facts, now)
        remaining = self._rule_bitmap
        for field, field_indexes in index.indexes:
            stored = field.read(facts.document)
            for field_index in field_indexes:
                remaining &= field_index.evaluate(stored, now)
        # The branches of an excluded rule need no evaluation.
        for level in self._levels[:1]:
            remaining ^= remaining & level.unreachable_branches(remaining)
        evaluation = Evaluation(facts, now)
        for condition in index.unindexed:
            if remaining & condition.dependent_rules:
                remaining = condition.apply(remaining, evaluation)

        for field, field_indexes in index.time_dependent_indexes:
            stored = field.read(facts.document)
            for field_index in field_indexes:
                candidates, remaining = remaining, remaining & field_index.evaluate(stored, now)
                if stored is not None:
                    timers.add_index(field_index, stored, candidates ^ remaining)
        for condition in index.time_dependent_unindexed:
            if remaining & condition.dependent_rules:
                candidates, remaining = remaining, condition.apply(remaining, evaluation)
                timers.add_condition(condition, candidates ^ remaining)
        if remaining & index.measure_index.dependent_rules:
            remaining = self._evaluate_measures(remaining, facts, now, timers)

        reachable, matching = self._rule_bitmap, remaining
        for level in self._levels[:1]:
            reachable ^= reachable & level.unreachable_branches(remaining)
        for level in reversed(self._levels):
            matching = level.resolve(matching)
        return Match(matching & self._filter_bitmap, timers.next_timer_at(matching, reachable))

    def _evaluate_measures(
        self, remaining: int, facts: CustomerFacts, now: Now, timers: MatchTimers
    ) -> int:
        """The remaining rules that the customer's measures do not exclude."""
        measure_index = self._index.measure_index
        bitmap_without_rows, flipped = measure_index.bitmap_without_rows, 0
        for kind, rows in group_rows_by_kind(facts, now.calendar).items():
            for conditions in measure_index.conditions_by_kind.get(kind, ()):
                if remaining & conditions.dependent_rules:
                    measure, own_rows = conditions.measure, (rows or None)
                    history = facts.history(measure, now)
                    if history is None:
                        value = compute_measure(measure, filter_rows(measure, rows, now))
                    else:
                        value, own_rows = history.value(measure, now), history.scanned_rows(measure)
                    bitmap = conditions.evaluate(value)
                    flipped |= conditions.bitmap_without_rows ^ bitmap
                    if conditions.is_time_dependent:
                        timers.add_measure(
                            conditions, bitmap, own_rows, remaining ^ remaining & bitmap
                        )
        return remaining & (bitmap_without_rows ^ flipped)
