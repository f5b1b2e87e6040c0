"""The index of conditions on measures, which are counts and aggregates of a customer's rows."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from app.errors import InputError
from app.filters.calendar import MILLISECOND, Calendar, truncate_to_milliseconds
from app.filters.evaluate import CustomerFacts, Document
from app.filters.matcher.condition_indexes import NumberRangeIndex, RuleLiteral
from app.filters.measure_stages import empty_value
from app.filters.next_change import ChangeSearch
from app.filters.sources import RowKind, rows_with_kind
from app.filters.tree import EventCondition, Measure

"""A collection, and the kind of a row in it: the name of an event, for example."""


def group_rows_by_kind(
    facts: CustomerFacts, calendar: Calendar
) -> Mapping[RowKind, list[Document]]:
    """The customer's rows by their kind.

    A kind whose rows are in the customer's history is present with an empty list.
    """
    rows_by_kind: defaultdict[RowKind, list[Document]] = defaultdict(list)
    if (history := facts.histories.get(calendar)) is not None:
        rows_by_kind.update((kind, []) for kind in history.row_kinds)
    for collection, documents in facts.rows.items():
        for document in documents:
            for kind, row in rows_with_kind(collection, document):
                rows_by_kind[kind].append(row)
    return rows_by_kind


class MeasureConditions:
    """All conditions on one measure, with their rules."""

    def __init__(self, measure: Measure, literals: Sequence[RuleLiteral], all_rules: int) -> None:
        self.measure = measure
        self.is_time_dependent = measure.without_time_dependence is not measure
        self._index = NumberRangeIndex(literals, all_rules)
        self.dependent_rules = self._index.dependent_rules
        # The remaining rules for a customer without rows.
        self.bitmap_without_rows = self._index.evaluate_value(empty_value(measure))

    def evaluate(self, number: int | float | None) -> int:
        """The bitmap of the rules that a value of the measure does not exclude."""
        return self._index.evaluate_value(number)

    def find_bucket(self, value: int | float | None) -> int:
        """The bucket of a value between the thresholds of the conditions."""
        return self._index.find_bucket(value)

    def evaluate_bucket(self, bucket: int) -> int:
        """The bitmap of the rules that the values of a bucket do not exclude."""
        return self._index.evaluate_bucket(bucket)

    def next_change(
        self, bitmap: int, rows: Sequence[Document] | None, search: ChangeSearch, live_rules: int
    ) -> datetime | None:
        """The first instant of the search at which the answer for a live rule changes.

        It may be an earlier instant at which to search again. `bitmap` is the measure's answer now.
        `rows` are the rows of the measure; None if the customer's history has them.
        """
        if rows is None:
            history = search.facts.history(self.measure, search.now)
            assert history is not None
            buckets = _MeasureBuckets(self, bitmap, live_rules)
            return history.next_change(self.measure, search.now, search.until, buckets)
        instant = search.now.at
        try:
            for instant, value in search.value_changes_of_rows(self.measure, rows):
                if (self._index.evaluate_value(value) ^ bitmap) & live_rules:
                    return truncate_to_milliseconds(instant)
        except InputError:
            # The search is too expensive. The next evaluation continues from this instant.
            return truncate_to_milliseconds(instant) + MILLISECOND
        return None


class _MeasureBuckets(NamedTuple):
    """Tells a history which values of a measure change the answer for a live rule."""

    conditions: MeasureConditions
    bitmap: int
    live_rules: int

    def interval_of(self, value: int | float | None) -> int:
        return self.conditions.find_bucket(value)

    def changes_answer(self, bucket: int) -> bool:
        return bool((self.conditions.evaluate_bucket(bucket) ^ self.bitmap) & self.live_rules)


class MeasureIndex:
    """The conditions on measures, at most one for each rule.

    Most customers have rows of a few kinds only. The index knows in advance the bitmap for a
    customer without rows; only measures of the kinds that a customer has flip bits in it.
    """

    def __init__(self, literals: Sequence[RuleLiteral], all_rules: int) -> None:
        literals_by_measure: defaultdict[Measure, list[RuleLiteral]] = defaultdict(list)
        for literal in literals:
            assert isinstance(literal.condition, EventCondition)
            literals_by_measure[literal.condition.measure].append(literal)
        self.dependent_rules = 0
        self.bitmap_without_rows = all_rules
        self.conditions_by_kind: dict[RowKind, list[MeasureConditions]] = {}
        for measure, measure_literals in literals_by_measure.items():
            conditions = MeasureConditions(measure, measure_literals, all_rules)
            self.dependent_rules |= conditions.dependent_rules
            self.bitmap_without_rows &= conditions.bitmap_without_rows
            kind = measure.source.collection, measure.source.kind
            self.conditions_by_kind.setdefault(kind, []).append(conditions)
