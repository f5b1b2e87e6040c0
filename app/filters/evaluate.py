"""A filter asked of one customer, in this process: the person's engine."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, assert_never

from app.filters.calendar import Calendar, Now
from app.filters.operators import Operand, Operator
from app.filters.sources import STATIC_MEMBERS_COLLECTION
from app.filters.time_series import ThresholdIntervals
from app.filters.tree import (
    AllOf,
    AnyOf,
    AttributeCondition,
    EventCondition,
    Filter,
    Measure,
    NestedSegment,
    NoneOf,
    SegmentCondition,
    SlidingWindow,
    StaticMemberCondition,
)

Document = Mapping[str, Any]


class History(Protocol):
    """A customer's events and orders, kept so that measures of them are answered quickly."""

    @property
    def row_kinds(self) -> Iterator[tuple[str, object]]:
        """The collections and kinds of rows that there are."""

    def value(self, measure: Measure, now: Now) -> int | float | None:
        """What a measure comes to now; None where it is missing."""

    def scanned_rows(self, measure: Measure) -> list[Document] | None:
        """The rows of the measure's source where they have to be judged one by one; None where the
        other methods answer for the measure."""

    def value_changes(
        self, measure: Measure, now: Now, until: datetime
    ) -> Iterator[tuple[datetime, int | float | None]]:
        """Each later instant, up to `until`, at which the measure may change, with what it comes to
        then."""

    def next_change(
        self, measure: Measure, now: Now, until: datetime, intervals: ThresholdIntervals
    ) -> datetime | None:
        """The next instant, up to `until`, at which to ask again; None where nothing changes."""

    def may_change(self, measure: Measure, now: Now) -> bool:
        """Whether the passing of time may change the measure, however far ahead."""


@dataclass(frozen=True)
class CustomerFacts:
    """What is known of one customer: the document, and the rows of events and orders by the
    collection that holds them, as far as the filter needs them. Where there is a history for a
    calendar, it stands for the rows of events and orders."""

    document: Document
    rows: Mapping[str, Sequence[Document]] = field(default_factory=dict)
    histories: Mapping[Calendar, History] = field(default_factory=dict)

    def history(self, measure: Measure, now: Now) -> History | None:
        """The history that answers for a measure."""
        if measure.source.collection == STATIC_MEMBERS_COLLECTION:
            return None
        return self.histories.get(now.calendar)


class Evaluation:
    """One customer at one instant. Each segment inside the filters is judged once."""

    def __init__(self, facts: CustomerFacts, now: Now) -> None:
        self.facts = facts
        self.now = now
        self._membership_by_segment: dict[NestedSegment, bool] = {}

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
                return operator_holds(operator, field_.read(self.facts.document), operand, self.now)
            case EventCondition(measure, operator, operand):
                return operator_holds(operator, self.compute_measure(measure), operand, self.now)
            case StaticMemberCondition(rows):
                return bool(self.compute_measure(rows))
            case SegmentCondition(segment, member):
                return self._is_member(segment) is member
            case _:
                assert_never(filter_)

    def compute_measure(self, measure: Measure) -> int | float | None:
        """What the measure comes to; None where it is missing."""
        history = self.facts.history(measure, self.now)
        if history is not None:
            return history.value(measure, self.now)
        return compute_measure(measure, matching_rows(measure, self.facts, self.now))

    def _is_member(self, segment: NestedSegment) -> bool:
        if segment not in self._membership_by_segment:
            self._membership_by_segment[segment] = self.holds(segment.tree)
        return self._membership_by_segment[segment]


def holds(filter_: Filter, facts: CustomerFacts, now: Now) -> bool:
    """Whether the filter holds of the customer."""
    return Evaluation(facts, now).holds(filter_)


def operator_holds(operator: Operator, stored: object, operand: Operand, now: Now) -> bool:
    """Whether what the operator asks of a value holds, a negation as well."""
    if operator.negates is not None:
        return not operator.negates.holds(stored, operand, now)
    return operator.holds(stored, operand, now)


def compute_measure(measure: Measure, rows: Sequence[Document]) -> int | float | None:
    """What the measure comes to, taken of these rows; None where it is missing."""
    if measure.aggregate is None or measure.property is None:
        return len(rows)
    property_field = measure.property
    return measure.aggregate.compute([property_field.read(row) for row in rows])


def matching_rows(measure: Measure, facts: CustomerFacts, now: Now) -> list[Document]:
    """The rows that the measure is taken of."""
    return filter_rows(measure, source_rows(measure, facts, now), now)


def source_rows(measure: Measure, facts: CustomerFacts, now: Now) -> list[Document]:
    """The rows of the measure's source; of a history only those that are judged one by one."""
    history = facts.history(measure, now)
    if history is not None:
        return history.scanned_rows(measure) or []
    rows = facts.rows.get(measure.source.collection, ())
    return [row for row in rows if measure.source.includes(row)]


def filter_rows(measure: Measure, rows: Sequence[Document], now: Now) -> list[Document]:
    """Of the rows of its source those that the measure is taken of."""
    window = measure.window
    if isinstance(window, SlidingWindow):
        window_start = now.at - window.length
        rows = [row for row in rows if window_start < row["at"] <= now.at]
    elif window is not None:
        rows = [row for row in rows if window.start <= row["at"] <= window.end]
    for condition in measure.where:
        operator, read, operand = condition.operator, condition.field.read, condition.operand
        rows = [row for row in rows if operator_holds(operator, read(row), operand, now)]
    return list(rows)
