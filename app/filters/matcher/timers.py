"""Computes the next timer of a match: when time first changes an answer that matters."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from app.filters.calendar import Now
from app.filters.evaluate import CustomerFacts, Document
from app.filters.matcher.condition_indexes import ConditionIndex
from app.filters.matcher.measure_index import MeasureConditions
from app.filters.matcher.time_dependence import may_change, may_measure_change
from app.filters.matcher.unindexed_conditions import UnindexedCondition
from app.filters.next_change import ChangeSearch, horizon


class _TimerSource(NamedTuple):
    """A time-dependent part of a match: an index, a condition or a measure.

    `excluded_rules` are the rules that it has excluded, `dependent_rules` all rules that use it.
    `next_change` takes the live rules and the last instant to search, and returns the next instant
    at which the answer for one of them may change. `may_change` tells whether that may happen
    later.
    """

    excluded_rules: int
    dependent_rules: int
    next_change: Callable[[int, datetime], datetime | None]
    may_change: Callable[[], bool]


class MatchTimers:
    """Collects the time-dependent parts that a match has evaluated, and finds the next timer.

    Each `add_` method takes a part and the bitmap of the rules that the part has excluded.
    """

    def __init__(self, facts: CustomerFacts, now: Now) -> None:
        self._facts = facts
        self._now = now
        self._sources: list[_TimerSource] = []

    def add_index(self, index: ConditionIndex, stored: object, excluded_rules: int) -> None:
        def next_change(live_rules: int, until: datetime) -> datetime | None:
            return index.next_change(stored, self._now, live_rules)

        self._sources.append(
            _TimerSource(excluded_rules, index.dependent_rules, next_change, lambda: False)
        )

    def add_condition(self, condition: UnindexedCondition[Any], excluded_rules: int) -> None:
        def next_change(live_rules: int, until: datetime) -> datetime | None:
            return condition.next_change(ChangeSearch(self._facts, self._now, until))

        def may_change_later() -> bool:
            return may_change(condition.condition, self._facts, self._now)

        self._sources.append(
            _TimerSource(excluded_rules, condition.dependent_rules, next_change, may_change_later)
        )

    def add_measure(
        self,
        conditions: MeasureConditions,
        bitmap: int,
        rows: Sequence[Document] | None,
        excluded_rules: int,
    ) -> None:
        def next_change(live_rules: int, until: datetime) -> datetime | None:
            return conditions.next_change(
                bitmap, rows, ChangeSearch(self._facts, self._now, until), live_rules
            )

        def may_change_later() -> bool:
            return may_measure_change(conditions.measure, self._facts, self._now)

        self._sources.append(
            _TimerSource(excluded_rules, conditions.dependent_rules, next_change, may_change_later)
        )

    def next_timer_at(self, matching: int, reachable: int) -> datetime | None:
        """The first instant at which an answer may change, or the horizon of ten years.

        The horizon is returned if no answer changes before it, but one may change later; None if
        none ever will. A matching rule may change with each of its conditions. Any other rule can
        change only with the condition that excluded it. Only reachable rules count: the branches of
        an excluded rule cannot change an answer.
        """
        if not self._sources:
            return None
        first_at, horizon_at, has_later_change = None, horizon(self._now), False
        for excluded_rules, dependent_rules, next_change, may_change_later in self._sources:
            live_rules = (excluded_rules | matching & dependent_rules) & reachable
            if not live_rules:
                continue
            change_at = next_change(live_rules, first_at or horizon_at)
            if change_at is None or change_at > horizon_at:
                has_later_change = (
                    has_later_change
                    or change_at is not None
                    or (first_at is None and may_change_later())
                )
            elif first_at is None or change_at < first_at:
                first_at = change_at
        return horizon_at if first_at is None and has_later_change else first_at
