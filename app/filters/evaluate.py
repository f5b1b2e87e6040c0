"""The in-process evaluator: whether a filter holds for one customer at one instant.

It must agree with the aggregation pipeline of `pipeline` on every filter and customer.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, assert_never

from app.filters.calendar import Calendar, Now
from app.filters.fields import Field
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
    """A customer's events and orders in a form that computes measures quickly.

    `EventHistory` implements it. The last three methods are for measures for which `scanned_rows`
    returns None.
    """

    @property
    def row_kinds(self) -> Iterator[tuple[str, object]]:
        """The collection and kind (`RowSource.kind`) of the rows in the history."""

    def value(self, measure: Measure, now: Now) -> int | float | None:
        """The value of a measure at `now`; None if it is missing."""

    def scanned_rows(self, measure: Measure) -> list[Document] | None:
        """The rows of the measure's source if they must be evaluated one by one.

        Returns None if the other methods answer for the measure.
        """

    def value_changes(
        self, measure: Measure, now: Now, until: datetime
    ) -> Iterator[tuple[datetime, int | float | None]]:
        """The instants after `now`, up to `until`, at which the measure may change, each with the
        value from then on."""

    def next_change(
        self, measure: Measure, now: Now, until: datetime, intervals: ThresholdIntervals
    ) -> datetime | None:
        """The next instant, up to `until`, at which to evaluate again; None without a change."""

    def may_change(self, measure: Measure, now: Now) -> bool:
        """Whether time alone may change the measure, at any later instant."""


@dataclass(frozen=True)
class CustomerFacts:
    """The data of one customer that an evaluation reads.

    `rows` has the stored documents whose rows the filter needs, by collection. Where `histories`
    has an entry for the calendar of the evaluation, it replaces the rows of events and orders.
    """

    document: Document
    rows: Mapping[str, Sequence[Document]] = field(default_factory=dict)
    histories: Mapping[Calendar, History] = field(default_factory=dict)

    def history(self, measure: Measure, now: Now) -> History | None:
        """The history that answers for a measure; None if `rows` does."""
        if measure.source.collection == STATIC_MEMBERS_COLLECTION:
            return None
        return self.histories.get(now.calendar)


class Evaluation:
    """An evaluation of one customer at one instant; it evaluates each nested segment once."""

    def __init__(self, facts: CustomerFacts, now: Now) -> None:
        self.facts = facts
        self.now = now
        self.displayed_values: dict[Field, Any] = {}
        """The values of the customer that explanations show."""
        self._membership_by_segment: dict[NestedSegment, bool] = {}

    def holds(self, filter_: Filter) -> bool:
        """Whether the filter holds for the customer."""
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
            case StaticMemberCondition(measure):
                return bool(self.compute_measure(measure))
            case SegmentCondition(segment, is_member):
                return self._is_member(segment) is is_member
            case _:
                assert_never(filter_)

    def compute_measure(self, measure: Measure) -> int | float | None:
        """The value of the measure; None if it is missing."""
        history = self.facts.history(measure, self.now)
        if history is not None:
            return history.value(measure, self.now)
        return compute_measure(measure, matching_rows(measure, self.facts, self.now))

    def _is_member(self, segment: NestedSegment) -> bool:
        if segment not in self._membership_by_segment:
            self._membership_by_segment[segment] = self.holds(segment.tree)
        return self._membership_by_segment[segment]


def holds(filter_: Filter, facts: CustomerFacts, now: Now) -> bool:
    """Whether the filter holds for the customer."""
    return Evaluation(facts, now).holds(filter_)


def operator_holds(operator: Operator, stored: object, operand: Operand, now: Now) -> bool:
    """Whether an operator holds for a stored value; a negating one inverts its counterpart."""
    if operator.negates is not None:
        return not operator.negates.holds(stored, operand, now)
    return operator.holds(stored, operand, now)


def compute_measure(measure: Measure, rows: Sequence[Document]) -> int | float | None:
    """The value of the measure over these rows; None if it is missing."""
    if measure.aggregate is None or measure.property is None:
        return len(rows)
    property_field = measure.property
    return measure.aggregate.compute([property_field.read(row) for row in rows])


def matching_rows(measure: Measure, facts: CustomerFacts, now: Now) -> list[Document]:
    """The rows that the measure includes at `now`."""
    return filter_rows(measure, source_rows(measure, facts, now), now)


def source_rows(measure: Measure, facts: CustomerFacts, now: Now) -> list[Document]:
    """The rows of the measure's source; of a history, only the rows that it keeps for scans."""
    history = facts.history(measure, now)
    if history is not None:
        return history.scanned_rows(measure) or []
    return measure.source.select_rows(facts.rows.get(measure.source.collection, ()))


def filter_rows(measure: Measure, rows: Sequence[Document], now: Now) -> list[Document]:
    """The rows that the measure includes at `now`; `rows` are those of its source."""
    window = measure.window
    if isinstance(window, SlidingWindow):
        start, end = now.at - window.start_ago, now.at - window.end_ago
        rows = [row for row in rows if start < row["at"] <= end]
    elif window is not None:
        rows = [row for row in rows if window.start <= row["at"] <= window.end]
    for condition in measure.where:
        operator, read, operand = condition.operator, condition.field.read, condition.operand
        rows = [row for row in rows if operator_holds(operator, read(row), operand, now)]
    return list(rows)
