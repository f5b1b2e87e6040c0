"""Computes the expected transition log from all commits.

Replays every state of every customer, with the rows that it includes, and every state of the
definitions, in the order of their commits. It evaluates attributes with the evaluator and
`find_next_change`, and events and orders with `ReferenceAggregate`. It shares neither the matcher
nor the incremental aggregates with the engine.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from app.filters import Calendar, Catalog, Filter, parse
from app.filters.sources import static_member_source
from app.filters.tree import Measure, NestedSegment, StaticMemberCondition
from tests.engine.model.customer_replay import ConditionTable, CustomerReplay, TruthFunction

Json = dict[str, Any]


class LoggedTransition(NamedTuple):
    """A transition without its sequence number."""

    type: str
    cause: str
    at: datetime


class _ActiveSegment(NamedTuple):
    """An active segment: a fingerprint of its filter and all nested filters, and the compiled
    filter."""

    fingerprint: str
    holds: TruthFunction
    condition_numbers: frozenset[int]


@dataclass
class Replay:
    """All customers and segments; `transitions` is the expected log."""

    calendar: Calendar
    latest_instant: datetime | None = None
    transitions: dict[tuple[str, Any], list[LoggedTransition]] = field(default_factory=dict)
    # How many events have this mark in their properties.
    event_mark_counts: dict[str, int] = field(default_factory=dict)
    _customers: dict[Any, CustomerReplay] = field(default_factory=dict)
    # Rows of customers that do not exist yet.
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
        """Advances the time of all customers to an instant."""
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
                # No later state of a deleted customer can include the row.
                if (customer := self._customers.get(self._owners[key])) is not None:
                    customer.update_row(collection, key, event["updateDescription"])
            case "delete":
                # The sweeper removes rows of deleted customers; earlier states included them.
                pass

    def _customer_replay(self, key: Any) -> CustomerReplay:
        if key in self._customers:
            return self._customers[key]
        return self._pending_customers.setdefault(
            key, CustomerReplay(self.calendar, self._conditions)
        )

    def _apply_definitions(self, instant: datetime) -> None:
        """Advances all customers by the previous definitions, then evaluates them by the current
        ones."""
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
    """Returns a description of each membership whose transitions differ.

    Instants may differ by 20 ms: the wall times of neighbours in the oplog can be out of order.
    """
    differences_found = []
    for key in {*expected, *actual}:
        expected_transitions, actual_transitions = expected.get(key, []), actual.get(key, [])
        are_equal = [(row.type, row.cause) for row in expected_transitions] == [
            (row.type, row.cause) for row in actual_transitions
        ] and all(
            abs((expected_row.at - actual_row.at).total_seconds()) <= 0.02
            for expected_row, actual_row in zip(
                expected_transitions, actual_transitions, strict=True
            )
        )
        if not are_equal:
            differences_found.append(
                f"{key}: expected {_format_transitions(expected_transitions)},"
                f" the log has {_format_transitions(actual_transitions)}"
            )
    return differences_found


def _format_transitions(transitions: Sequence[LoggedTransition]) -> str:
    return " ".join(f"{row.type}/{row.cause}@{row.at:%M:%S.%f}" for row in transitions)
