"""A filter asked of one customer, in this process: the person's engine."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, assert_never

from app.filters.calendar import Now
from app.filters.operators import Operand, Operator
from app.filters.tree import (
    AllOf,
    AnyOf,
    AttributeCondition,
    EventCondition,
    Filter,
    Last,
    Listed,
    Measure,
    Member,
    Nested,
    NoneOf,
)

Document = Mapping[str, Any]


@dataclass(frozen=True)
class Facts:
    """What is known of one customer: the document, and the rows of events and orders by the
    collection that holds them, as far as the filter needs them."""

    document: Document
    rows: Mapping[str, Sequence[Document]] = field(default_factory=dict)


class Evaluation:
    """One customer at one instant. Each segment inside the filters is judged once."""

    def __init__(self, facts: Facts, now: Now) -> None:
        self.facts = facts
        self.now = now
        self._members: dict[Nested, bool] = {}

    def holds(self, filter_: Filter) -> bool:
        """Whether the filter holds of the customer."""
        match filter_:
            case AllOf(branches):
                return all(map(self.holds, branches))
            case AnyOf(branches):
                return any(map(self.holds, branches))
            case NoneOf(branches):
                return not any(map(self.holds, branches))
            case AttributeCondition(field_, operator, operand):
                return asked(operator, field_.read(self.facts.document), operand, self.now)
            case EventCondition(measure, operator, operand):
                return asked(operator, self.measured(measure), operand, self.now)
            case Listed(rows):
                return bool(self.measured(rows))
            case Member(segment, member):
                return self._is_member(segment) is member
            case _:
                assert_never(filter_)

    def measured(self, measure: Measure) -> int | float | None:
        """What the measure comes to; None where it is missing."""
        rows = rows_of(measure, self.facts, self.now)
        if measure.aggregate is None or measure.property is None:
            return len(rows)
        property_ = measure.property
        return measure.aggregate.of([property_.read(row) for row in rows])

    def _is_member(self, segment: Nested) -> bool:
        if segment not in self._members:
            self._members[segment] = self.holds(segment.tree)
        return self._members[segment]


def holds(filter_: Filter, facts: Facts, now: Now) -> bool:
    """Whether the filter holds of the customer."""
    return Evaluation(facts, now).holds(filter_)


def asked(operator: Operator, stored: object, operand: Operand, now: Now) -> bool:
    """Whether what the operator asks of a value holds, a negation as well."""
    if operator.negates is not None:
        return not operator.negates.holds(stored, operand, now)
    return operator.holds(stored, operand, now)


def rows_of(measure: Measure, facts: Facts, now: Now) -> list[Document]:
    """The rows that the measure is taken of."""
    return [
        row
        for row in facts.rows.get(measure.source.collection, ())
        if measure.source.counts(row)
        and _in_window(measure, row, now)
        and _passes(measure, row, now)
    ]


def _in_window(measure: Measure, row: Document, now: Now) -> bool:
    window = measure.window
    if window is None:
        return True
    at = row["at"]
    if isinstance(window, Last):
        return bool(now.at - window.length < at <= now.at)
    return bool(window.start <= at <= window.end)


def _passes(measure: Measure, row: Document, now: Now) -> bool:
    return all(
        asked(where.operator, where.field.read(row), where.operand, now) for where in measure.where
    )
