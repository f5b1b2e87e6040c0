"""What the log must be, worked out anew from all that was ever committed.

Every state of every customer with the rows that it includes, and every state of the definitions,
in the order of their commits. What follows is worked out customer by customer: what lies in the
document with the evaluator and `changes_at`, events and orders with measures of the judge's own;
nothing with what the engine uses.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from app.filters import Calendar, Catalog, CustomerFacts, Filter, Now, find_next_change, parse
from app.filters.evaluate import operator_holds
from app.filters.sources import static_member_source
from app.filters.tree import (
    AllOf,
    AnyOf,
    AttributeCondition,
    EventCondition,
    Measure,
    NestedSegment,
    NoneOf,
    SegmentCondition,
    StaticMemberCondition,
)
from tests.engine.model.reference_aggregates import ReferenceAggregate

Json = dict[str, Any]
TruthFunction = Callable[[Mapping[int, bool]], bool]
_COUNTED_STATUSES = ("PAID", "FULFILLED")


class LoggedTransition(NamedTuple):
    """A transition without its place in the log."""

    type: str
    cause: str
    at: datetime


class ConditionTable:
    """The conditions of all filters, each under a number of its own."""

    def __init__(self) -> None:
        self.all: list[Filter] = []
        self._numbers: dict[Filter, int] = {}

    def compile(self, filter_: Filter, used: set[int]) -> TruthFunction:
        """The filter as a function of what its conditions come to; adds their numbers to `used`."""
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
    """One customer, as of an instant: its document, its rows, what each condition comes to."""

    def __init__(self, calendar: Calendar, conditions: ConditionTable) -> None:
        self._calendar = calendar
        self._conditions = conditions
        self.document: Json | None = None
        # By segment.
        self.is_member: dict[str, bool] = {}
        self.condition_values: dict[int, bool] = {}
        self._rows: dict[tuple[str, Any], Json] = {}
        # The static segments in whose lists it stands.
        self._static_segments: set[Any] = set()
        # The rows of which some later state may say something else than the last one did.
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
        """Another state begins; time has passed until then."""
        self.document = document
        for row_key in [*self._rows_to_revisit]:
            self._update_measures(row_key, instant)
        for number in condition_numbers:
            self._evaluate_condition(number, instant)
        self._schedule_next_change()

    def apply_definitions(self, condition_numbers: Iterable[int], instant: datetime) -> None:
        """Other conditions are asked from now on; time has passed until then."""
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
        """Time passes; stops at each instant at which a condition turns."""
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
        """Puts a row where the present state has it."""
        assert self.document is not None
        row, (collection, key) = self._rows[row_key], row_key
        version = self.document["version"]
        is_present = row["since"] <= version < row.get("until", version + 1)
        for measure in self._measures_by_source.get(_source(collection, row), ()):
            if is_present and _is_counted(collection, row):
                measure.put(key, row, instant)
            else:
                measure.drop(key)
        if row["since"] <= version and ("until" not in row or row["until"] <= version):
            self._rows_to_revisit.discard(row_key)

    def _evaluate_condition(self, number: int, instant: datetime) -> None:
        """What a condition comes to now, and when it may turn."""
        assert self.document is not None
        condition, now = self._conditions.all[number], Now(instant, self._calendar)
        match condition:
            case AttributeCondition(asks, operator, operand):
                self.condition_values[number] = operator_holds(
                    operator, asks.read(self.document), operand, now
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
            if collection == source[0] and _source(collection, row) == source:
                is_present = row["since"] <= version < row.get("until", version + 1)
                if is_present and _is_counted(collection, row):
                    aggregate.put(key, row, instant)
        return aggregate

    def _has_changed(self, number: int, instant: datetime) -> bool:
        """Whether a condition on events comes to something else than it did."""
        condition, previous = self._conditions.all[number], self.condition_values.get(number)
        assert isinstance(condition, EventCondition)
        value, now = self._measures[number].value, Now(instant, self._calendar)
        self.condition_values[number] = operator_holds(
            condition.operator, value, condition.operand, now
        )
        return self.condition_values[number] is not previous


def _source(collection: str, row: Json) -> tuple[str, str]:
    return collection, "order" if collection == "orders" else row["name"]


def _is_counted(collection: str, row: Json) -> bool:
    return collection != "orders" or row["status"] in _COUNTED_STATUSES


class _ActiveSegment(NamedTuple):
    """An active segment: its filter with all that it rests on, and as a function."""

    fingerprint: str
    holds: TruthFunction
    condition_numbers: frozenset[int]


@dataclass
class Replay:
    """All customers, from the first commit on."""

    calendar: Calendar
    latest_instant: datetime | None = None
    transitions: dict[tuple[str, Any], list[LoggedTransition]] = field(default_factory=dict)
    # How many events bear the mark that a call has left on each of its own.
    event_mark_counts: dict[str, int] = field(default_factory=dict)
    _customers: dict[Any, CustomerReplay] = field(default_factory=dict)
    # Rows of customers who are not there yet.
    _pending_customers: dict[Any, CustomerReplay] = field(default_factory=dict)
    _owners: dict[Any, Any] = field(default_factory=dict)
    _segments: dict[str, Json] = field(default_factory=dict)
    _active_segments: dict[str, _ActiveSegment] = field(default_factory=dict)
    _conditions: ConditionTable = field(default_factory=ConditionTable)
    _condition_numbers: set[int] = field(default_factory=set)

    def apply_commits(self, commits: Iterable[list[Json]]) -> None:
        for events in commits:
            wall_time = max(event["wallTime"] for event in events)
            self.latest_instant = (
                wall_time if self.latest_instant is None else max(self.latest_instant, wall_time)
            )
            self._apply_commit(events, self.latest_instant)

    def advance_all(self, until: datetime) -> None:
        """Time alone goes on until an instant."""
        for key, customer in self._customers.items():
            self._advance(key, customer, until)

    def _apply_commit(self, events: list[Json], instant: datetime) -> None:
        changed_customers: dict[Any, Json | None] = {}
        definitions_changed = False
        for event in events:
            collection, key = event["ns"]["coll"], event["documentKey"]["_id"]
            document = event.get("fullDocument")
            match collection:
                case "customers":
                    changed_customers[key] = document
                case "segments":
                    definitions_changed = True
                    if document is None:
                        self._segments.pop(f"seg_{key}", None)
                    else:
                        self._segments[f"seg_{key}"] = document
                case _:
                    self._apply_row(collection, key, event)
        if definitions_changed:
            self._apply_definitions(instant)
        for key, document in changed_customers.items():
            self._apply_customer_state(key, document, instant)

    def _apply_row(self, collection: str, key: Any, event: Json) -> None:
        match event["operationType"]:
            case "insert":
                row = event["fullDocument"]
                owner = self._owners[key] = row["customerId"]
                if collection == "events" and (mark := row["properties"].get("mark")):
                    self.event_mark_counts[mark] = self.event_mark_counts.get(mark, 0) + 1
                self._customer_replay(owner).insert_row(collection, key, row)
            case "update":
                # A customer who is gone keeps nothing that a later state could include.
                if (customer := self._customers.get(self._owners[key])) is not None:
                    customer.update_row(collection, key, event["updateDescription"])
            case "delete":
                # Of a customer who was deleted: an earlier state had it.
                pass

    def _customer_replay(self, key: Any) -> CustomerReplay:
        if key in self._customers:
            return self._customers[key]
        return self._pending_customers.setdefault(
            key, CustomerReplay(self.calendar, self._conditions)
        )

    def _apply_definitions(self, instant: datetime) -> None:
        """Definitions have changed: whoever is there is judged by both."""
        previous, current = self._active_segments, {}
        for id_, segment in self._segments.items():
            if segment["kind"] == "ACTIVE":
                current[id_] = self._compile_segment(id_)
        changed_segments = [
            id_
            for id_ in {**previous, **current}
            if id_ not in previous
            or id_ not in current
            or previous[id_].fingerprint != current[id_].fingerprint
        ]
        if not changed_segments:
            return
        for key, customer in self._customers.items():
            self._advance(key, customer, instant)
        self._active_segments = current
        self._condition_numbers = {
            number for active in current.values() for number in active.condition_numbers
        }
        for key, customer in self._customers.items():
            customer.apply_definitions(self._condition_numbers, instant)
            for id_ in changed_segments:
                if id_ not in current:
                    del customer.is_member[id_]
                elif id_ in previous:
                    self._update_membership(id_, key, customer, "DEFINITION", instant)
                else:
                    customer.is_member[id_] = current[id_].holds(customer.condition_values)

    def _compile_segment(self, id_: str) -> _ActiveSegment:
        dependencies: list[tuple[str, str]] = []

        def nest(segment_id: str) -> NestedSegment:
            return NestedSegment(
                segment_id, self._segments[segment_id]["name"], parse_segment(segment_id)
            )

        def parse_segment(segment_id: str) -> Filter:
            wire = self._segments[segment_id]["filter"]
            dependencies.append((segment_id, repr(wire)))
            if wire is None:
                return StaticMemberCondition(
                    Measure(static_member_source(segment_id, self._segments[segment_id]["_id"]))
                )
            return parse(wire, catalog)

        catalog = Catalog({}, nest)
        condition_numbers: set[int] = set()
        holds = self._conditions.compile(parse_segment(id_), condition_numbers)
        return _ActiveSegment(repr(dependencies), holds, frozenset(condition_numbers))

    def _apply_customer_state(self, key: Any, document: Json | None, instant: datetime) -> None:
        customer = self._customers.get(key)
        if customer is not None:
            self._advance(key, customer, instant)
        if document is None:
            if customer is not None:
                del self._customers[key]
                for id_ in self._active_segments:
                    if customer.is_member[id_]:
                        self._record_transition(id_, key, "LEFT", "DELETED", instant)
            return
        if customer is None:
            customer = self._customers[key] = self._customer_replay(key)
            self._pending_customers.pop(key, None)
        customer.apply_state(document, self._condition_numbers, instant)
        for id_ in self._active_segments:
            self._update_membership(id_, key, customer, "LIVE", instant)

    def _advance(self, key: Any, customer: CustomerReplay, until: datetime) -> None:
        for instant in customer.changes_until(until):
            for id_ in self._active_segments:
                self._update_membership(id_, key, customer, "TIME", instant)

    def _update_membership(
        self, id_: str, key: Any, customer: CustomerReplay, cause: str, instant: datetime
    ) -> None:
        is_member = self._active_segments[id_].holds(customer.condition_values)
        if customer.is_member.get(id_, False) is not is_member:
            self._record_transition(id_, key, "ENTERED" if is_member else "LEFT", cause, instant)
        customer.is_member[id_] = is_member

    def _record_transition(
        self, id_: str, key: Any, type_: str, cause: str, instant: datetime
    ) -> None:
        self.transitions.setdefault((id_, key), []).append(LoggedTransition(type_, cause, instant))


def find_differences(
    expected: Mapping[tuple[str, Any], Sequence[LoggedTransition]],
    actual: Mapping[tuple[str, Any], Sequence[LoggedTransition]],
) -> list[str]:
    """Where the two differ. Instants may, by what wall times of neighbours in the oplog are out of
    order."""
    differences_found = []
    for key in {*expected, *actual}:
        expected_transitions, actual_transitions = expected.get(key, []), actual.get(key, [])
        are_equal = [each[:2] for each in expected_transitions] == [
            each[:2] for each in actual_transitions
        ] and all(
            abs((a.at - b.at).total_seconds()) <= 0.02
            for a, b in zip(expected_transitions, actual_transitions, strict=True)
        )
        if not are_equal:
            differences_found.append(
                f"{key}: expected {_format_transitions(expected_transitions)},"
                f" the log has {_format_transitions(actual_transitions)}"
            )
    return differences_found


def _format_transitions(transitions: Sequence[LoggedTransition]) -> str:
    return " ".join(f"{t.type}/{t.cause}@{t.at:%M:%S.%f}" for t in transitions)
