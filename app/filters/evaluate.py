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
        return measured(measure, rows_of(measure, self.facts, self.now))

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


def measured(measure: Measure, rows: Sequence[Document]) -> int | float | None:
    """What the measure comes to, taken of these rows; None where it is missing."""
    if measure.aggregate is None or measure.property is None:
        return len(rows)
    property_ = measure.property
    return measure.aggregate.of([property_.read(row) for row in rows])


def rows_of(measure: Measure, facts: Facts, now: Now) -> list[Document]:
    """The rows that the measure is taken of."""
    return passing(measure, own_rows(measure, facts), now)


def own_rows(measure: Measure, facts: Facts) -> list[Document]:
    """The rows of the measure's source."""
    rows = facts.rows.get(measure.source.collection, ())
    return [row for row in rows if measure.source.counts(row)]


def passing(measure: Measure, rows: Sequence[Document], now: Now) -> list[Document]:
    """Of the rows of its source those that the measure is taken of."""
    window = measure.window
    if isinstance(window, Last):
        since = now.at - window.length
        rows = [row for row in rows if since < row["at"] <= now.at]
    elif window is not None:
        rows = [row for row in rows if window.start <= row["at"] <= window.end]
    for where in measure.where:
        operator, read, operand = where.operator, where.field.read, where.operand
        rows = [row for row in rows if asked(operator, read(row), operand, now)]
    return list(rows)
