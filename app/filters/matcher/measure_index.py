"""Measures of rows, and all that is asked of them."""

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
from app.filters.sources import row_kind as kind_of
from app.filters.tree import EventCondition, Measure

RowKind = tuple[str, object]
"""A collection, and which of its rows."""


def group_rows_by_kind(
    facts: CustomerFacts, calendar: Calendar
) -> Mapping[RowKind, list[Document]]:
    """A customer's rows; none with the kinds that a history keeps."""
    rows_by_kind: defaultdict[RowKind, list[Document]] = defaultdict(list)
    if (history := facts.histories.get(calendar)) is not None:
        rows_by_kind.update((kind, []) for kind in history.row_kinds)
    for collection, rows in facts.rows.items():
        for row in rows:
            rows_by_kind[collection, kind_of(collection, row)].append(row)
    return rows_by_kind


class MeasureConditions:
    """All that is asked of one measure, and who asks."""

    def __init__(self, measure: Measure, literals: Sequence[RuleLiteral], all_rules: int) -> None:
        self.measure = measure
        self.is_time_dependent = measure.without_time_dependence is not measure
        self._index = NumberRangeIndex(literals, all_rules)
        self.dependent_rules = self._index.dependent_rules
        # Whom it leaves of customers without rows.
        self.bitmap_without_rows = self._index.evaluate_value(empty_value(measure))

    def evaluate(self, number: int | float | None) -> int:
        """Whom it leaves where it comes to the number."""
        return self._index.evaluate_value(number)

    def find_bucket(self, value: int | float | None) -> int:
        """The stretch between thresholds in which a value lies."""
        return self._index.find_bucket(value)

    def evaluate_bucket(self, bucket: int) -> int:
        """Whom the values of a stretch leave."""
        return self._index.evaluate_bucket(bucket)

    def next_change(
        self, bitmap: int, rows: Sequence[Document] | None, search: ChangeSearch, live_rules: int
    ) -> datetime | None:
        """The first instant of the search at which the answer to one of the live rules turns, or an
        earlier one at which to look again. Now the measure leaves a vector: of these rows, or of
        the history where they are None."""
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
            # Too much to be told at once: the rest is looked at from there on.
            return truncate_to_milliseconds(instant) + MILLISECOND
        return None


class _MeasureBuckets(NamedTuple):
    """The stretches between the thresholds of a measure, and which of them turn live rules."""

    conditions: MeasureConditions
    bitmap: int
    live_rules: int

    def interval_of(self, value: int | float | None) -> int:
        return self.conditions.find_bucket(value)

    def changes_answer(self, bucket: int) -> bool:
        return bool((self.conditions.evaluate_bucket(bucket) ^ self.bitmap) & self.live_rules)


class MeasureIndex:
    """What is asked of measures: one condition a rule.

    Most customers have rows of a few kinds only: who is left where there are no rows is known
    beforehand, and only the kinds that there are turn somebody.
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
