"""Replays one customer: its document, its rows, and the values of the conditions over time."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from app.filters import Calendar, CustomerFacts, Filter, Now, find_next_change
from app.filters.evaluate import operator_holds
from app.filters.tree import (
    AllOf,
    AnyOf,
    AttributeCondition,
    EventCondition,
    Measure,
    NoneOf,
    SegmentCondition,
    StaticMemberCondition,
)
from tests.engine.model.reference_aggregates import ReferenceAggregate

Json = dict[str, Any]
TruthFunction = Callable[[Mapping[int, bool]], bool]
_COUNTED_STATUSES = ("PAID", "FULFILLED")


class ConditionTable:
    """Numbers the conditions of all filters; equal conditions share a number."""

    def __init__(self) -> None:
        self.all: list[Filter] = []
        self._numbers: dict[Filter, int] = {}

    def compile(self, filter_: Filter, used: set[int]) -> TruthFunction:
        """Compiles a filter into a function of the values of its conditions; adds their numbers to
        `used`."""
        match filter_:
            case AllOf(branches):
                all_branches = [self.compile(branch, used) for branch in branches]
                return lambda truth: all(branch(truth) for branch in all_branches)
            case AnyOf(branches):
                any_branches = [self.compile(branch, used) for branch in branches]
                return lambda truth: any(branch(truth) for branch in any_branches)
            case NoneOf(branches):
                none_branches = [self.compile(branch, used) for branch in branches]
                return lambda truth: not any(branch(truth) for branch in none_branches)
            case SegmentCondition(segment, member):
                segment_holds = self.compile(segment.tree, used)
                return lambda truth: segment_holds(truth) is member
        if filter_ not in self._numbers:
            self._numbers[filter_] = len(self.all)
            self.all.append(filter_)
        number = self._numbers[filter_]
        used.add(number)
        return lambda truth: truth[number]


class CustomerReplay:
    """The state of one customer at an instant: document, rows, and the value of each condition."""

    def __init__(self, calendar: Calendar, conditions: ConditionTable) -> None:
        self._calendar = calendar
        self._conditions = conditions
        self.document: Json | None = None
        # By the id of the segment.
        self.is_member: dict[str, bool] = {}
        self.condition_values: dict[int, bool] = {}
        self._rows: dict[tuple[str, Any], Json] = {}
        # The static segments that list the customer.
        self._static_segments: set[Any] = set()
        # Rows that a later version of the customer may include or exclude.
        self._rows_to_revisit: set[tuple[str, Any]] = set()
        self._measures: dict[int, ReferenceAggregate] = {}
        self._measures_by_source: dict[tuple[str, str], list[ReferenceAggregate]] = {}
        self._next_changes: dict[int, datetime] = {}
        self._next_change: datetime | None = None

    def insert_row(self, collection: str, key: Any, row: Json) -> None:
        if collection == "members":
            self._static_segments.add(row["segmentId"])
            return
        self._rows[collection, key] = row
        self._rows_to_revisit.add((collection, key))

    def update_row(self, collection: str, key: Any, change: Json) -> None:
        row = {**self._rows[collection, key], **change["updatedFields"]}
        removed = change["removedFields"]
        self.insert_row(collection, key, {name: row[name] for name in row if name not in removed})

    def apply_state(
        self, document: Json, condition_numbers: Iterable[int], instant: datetime
    ) -> None:
        """Applies a new state of the document. The caller has advanced the time to `instant`."""
        self.document = document
        for row_key in [*self._rows_to_revisit]:
            self._update_measures(row_key, instant)
        for number in condition_numbers:
            self._evaluate_condition(number, instant)
        self._schedule_next_change()

    def apply_definitions(self, condition_numbers: Iterable[int], instant: datetime) -> None:
        """Replaces the set of conditions. The caller has advanced the time to `instant`."""
        required = {*condition_numbers}
        if removed := self.condition_values.keys() - required:
            for number in removed:
                del self.condition_values[number]
                self._next_changes.pop(number, None)
                if measure := self._measures.pop(number, None):
                    for measures in self._measures_by_source.values():
                        if measure in measures:
                            measures.remove(measure)
        for number in required - self.condition_values.keys():
            self._evaluate_condition(number, instant)
        self._schedule_next_change()

    def changes_until(self, until: datetime) -> Iterator[datetime]:
        """Advances the time; yields each instant at which the value of a condition changes."""
        while self._next_change is not None and self._next_change <= until:
            at = self._next_change
            has_changed = False
            for number, measure in self._measures.items():
                instant = measure.next_change
                if instant is not None and instant <= at:
                    measure.advance(at)
                    has_changed |= self._has_changed(number, at)
            for number in [
                number for number, change_at in self._next_changes.items() if change_at <= at
            ]:
                self._evaluate_condition(number, at)
                has_changed = True
            self._schedule_next_change()
            if has_changed:
                yield at

    def _schedule_next_change(self) -> None:
        changes = (measure.next_change for measure in self._measures.values())
        instants = [*self._next_changes.values(), *(at for at in changes if at is not None)]
        self._next_change = min(instants, default=None)

    def _update_measures(self, row_key: tuple[str, Any], instant: datetime) -> None:
        """Adds a row to its measures, or removes it, by the version of the current state."""
        assert self.document is not None
        row, (collection, key) = self._rows[row_key], row_key
        version = self.document["version"]
        is_present = row["sinceVersion"] <= version < row.get("untilVersion", version + 1)
        is_present = is_present and _is_counted(collection, row)
        for source, event_key, event in _events(collection, key, row):
            for measure in self._measures_by_source.get(source, ()):
                if is_present:
                    measure.put(event_key, event, instant)
                else:
                    measure.drop(event_key)
        if row["sinceVersion"] <= version and (
            "untilVersion" not in row or row["untilVersion"] <= version
        ):
            self._rows_to_revisit.discard(row_key)

    def _evaluate_condition(self, number: int, instant: datetime) -> None:
        """Evaluates a condition, and schedules its next change."""
        assert self.document is not None
        condition, now = self._conditions.all[number], Now(instant, self._calendar)
        match condition:
            case AttributeCondition(field, operator, operand):
                self.condition_values[number] = operator_holds(
                    operator, field.read(self.document), operand, now
                )
                if operator.is_time_dependent:
                    change_at = find_next_change(condition, CustomerFacts(self.document), now)
                    self._next_changes.pop(number, None)
                    if change_at is not None:
                        self._next_changes[number] = change_at
            case StaticMemberCondition(rows):
                self.condition_values[number] = (
                    rows.source.predicate["segmentId"] in self._static_segments
                )
            case EventCondition(measure):
                if number not in self._measures:
                    self._measures[number] = self._create_measure(measure, instant)
                self._has_changed(number, instant)

    def _create_measure(self, measure: Measure, instant: datetime) -> ReferenceAggregate:
        assert self.document is not None
        aggregate, version = ReferenceAggregate(measure, self._calendar), self.document["version"]
        source = measure.source.collection, measure.source.name
        self._measures_by_source.setdefault(source, []).append(aggregate)
        for (collection, key), row in self._rows.items():
            is_present = row["sinceVersion"] <= version < row.get("untilVersion", version + 1)
            if is_present and _is_counted(collection, row):
                for event_source, event_key, event in _events(collection, key, row):
                    if event_source == source:
                        aggregate.put(event_key, event, instant)
        return aggregate

    def _has_changed(self, number: int, instant: datetime) -> bool:
        """Evaluates a condition on events; returns whether its value has changed."""
        condition, previous = self._conditions.all[number], self.condition_values.get(number)
        assert isinstance(condition, EventCondition)
        value, now = self._measures[number].value, Now(instant, self._calendar)
        self.condition_values[number] = operator_holds(
            condition.operator, value, condition.operand, now
        )
        return self.condition_values[number] is not previous


def _events(collection: str, key: Any, row: Json) -> Iterator[tuple[tuple[str, str], object, Json]]:
    """Yields the events of a stored row, each with its source and its key."""
    if collection != "orders":
        yield (collection, row["name"]), key, row
        return
    yield (collection, "order"), key, row
    for position, item in enumerate(row.get("items", ())):
        yield (collection, "order.item"), (key, position), {**row, "items": item}


def _is_counted(collection: str, row: Json) -> bool:
    return collection != "orders" or row["status"] in _COUNTED_STATUSES
