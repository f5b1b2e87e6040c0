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

from app.filters import Calendar, Catalog, Facts, Filter, Now, changes_at, parse
from app.filters.evaluate import asked
from app.filters.sources import listing
from app.filters.tree import (
    AllOf,
    AnyOf,
    AttributeCondition,
    EventCondition,
    Listed,
    Measure,
    Member,
    Nested,
    NoneOf,
)
from tests.engine.model.measures import RunningMeasure

Json = dict[str, Any]
Truth = Callable[[Mapping[int, bool]], bool]
_COUNTED = ("PAID", "FULFILLED")


class Told(NamedTuple):
    """A transition without its place in the log."""

    type: str
    cause: str
    at: datetime


class Conditions:
    """The conditions of all filters, each under a number of its own."""

    def __init__(self) -> None:
        self.all: list[Filter] = []
        self._numbers: dict[Filter, int] = {}

    def compile(self, filter_: Filter, used: set[int]) -> Truth:
        """The filter as a function of what its conditions come to; adds their numbers to `used`."""
        match filter_:
            case AllOf(branches):
                every = [self.compile(branch, used) for branch in branches]
                return lambda truth: all(branch(truth) for branch in every)
            case AnyOf(branches):
                some = [self.compile(branch, used) for branch in branches]
                return lambda truth: any(branch(truth) for branch in some)
            case NoneOf(branches):
                none = [self.compile(branch, used) for branch in branches]
                return lambda truth: not any(branch(truth) for branch in none)
            case Member(segment, member):
                inner = self.compile(segment.tree, used)
                return lambda truth: inner(truth) is member
        if filter_ not in self._numbers:
            self._numbers[filter_] = len(self.all)
            self.all.append(filter_)
        number = self._numbers[filter_]
        used.add(number)
        return lambda truth: truth[number]


class Person:
    """One customer, as of an instant: its document, its rows, what each condition comes to."""

    def __init__(self, calendar: Calendar, conditions: Conditions) -> None:
        self._calendar = calendar
        self._conditions = conditions
        self.document: Json | None = None
        # By segment.
        self.is_member: dict[str, bool] = {}
        self.truth: dict[int, bool] = {}
        self._rows: dict[tuple[str, Any], Json] = {}
        # The static segments in whose lists it stands.
        self._lists: set[Any] = set()
        # The rows of which some later state may say something else than the last one did.
        self._unsettled: set[tuple[str, Any]] = set()
        self._measures: dict[int, RunningMeasure] = {}
        self._by_source: dict[tuple[str, str], list[RunningMeasure]] = {}
        self._turns: dict[int, datetime] = {}
        self._next: datetime | None = None

    def insert_row(self, collection: str, key: Any, row: Json) -> None:
        if collection == "members":
            self._lists.add(row["segmentId"])
            return
        self._rows[collection, key] = row
        self._unsettled.add((collection, key))

    def update_row(self, collection: str, key: Any, change: Json) -> None:
        row = {**self._rows[collection, key], **change["updatedFields"]}
        removed = change["removedFields"]
        self.insert_row(collection, key, {name: row[name] for name in row if name not in removed})

    def change(self, document: Json, used: Iterable[int], at: datetime) -> None:
        """Another state begins; time has passed until then."""
        self.document = document
        for place in [*self._unsettled]:
            self._settle(place, at)
        for number in used:
            self._ask(number, at)
        self._look_ahead()

    def define(self, used: Iterable[int], at: datetime) -> None:
        """Other conditions are asked from now on; time has passed until then."""
        wanted = {*used}
        if gone := self.truth.keys() - wanted:
            for number in gone:
                del self.truth[number]
                self._turns.pop(number, None)
                if measure := self._measures.pop(number, None):
                    for measures in self._by_source.values():
                        if measure in measures:
                            measures.remove(measure)
        for number in wanted - self.truth.keys():
            self._ask(number, at)
        self._look_ahead()

    def turns_until(self, until: datetime) -> Iterator[datetime]:
        """Time passes; stops at each instant at which a condition turns."""
        while self._next is not None and self._next <= until:
            at = self._next
            has_turned = False
            for number, measure in self._measures.items():
                instant = measure.next_change
                if instant is not None and instant <= at:
                    measure.advance(at)
                    has_turned |= self._has_turned(number, at)
            for number in [number for number, turn in self._turns.items() if turn <= at]:
                self._ask(number, at)
                has_turned = True
            self._look_ahead()
            if has_turned:
                yield at

    def _look_ahead(self) -> None:
        changes = (measure.next_change for measure in self._measures.values())
        instants = [*self._turns.values(), *(at for at in changes if at is not None)]
        self._next = min(instants, default=None)

    def _settle(self, place: tuple[str, Any], at: datetime) -> None:
        """Puts a row where the present state has it."""
        assert self.document is not None
        row, (collection, key) = self._rows[place], place
        version = self.document["version"]
        is_there = row["since"] <= version < row.get("until", version + 1)
        for measure in self._by_source.get(_source(collection, row), ()):
            if is_there and _counts(collection, row):
                measure.put(key, row, at)
            else:
                measure.drop(key)
        if row["since"] <= version and ("until" not in row or row["until"] <= version):
            self._unsettled.discard(place)

    def _ask(self, number: int, at: datetime) -> None:
        """What a condition comes to now, and when it may turn."""
        assert self.document is not None
        condition, now = self._conditions.all[number], Now(at, self._calendar)
        match condition:
            case AttributeCondition(asks, operator, operand):
                self.truth[number] = asked(operator, asks.read(self.document), operand, now)
                if operator.follows_clock:
                    turn = changes_at(condition, Facts(self.document), now)
                    self._turns.pop(number, None)
                    if turn is not None:
                        self._turns[number] = turn
            case Listed(rows):
                self.truth[number] = rows.source.match["segmentId"] in self._lists
            case EventCondition(measure):
                if number not in self._measures:
                    self._measures[number] = self._measured(measure, at)
                self._has_turned(number, at)

    def _measured(self, measure: Measure, at: datetime) -> RunningMeasure:
        assert self.document is not None
        running, version = RunningMeasure(measure, self._calendar), self.document["version"]
        source = measure.source.collection, measure.source.name
        self._by_source.setdefault(source, []).append(running)
        for (collection, key), row in self._rows.items():
            if collection == source[0] and _source(collection, row) == source:
                is_there = row["since"] <= version < row.get("until", version + 1)
                if is_there and _counts(collection, row):
                    running.put(key, row, at)
        return running

    def _has_turned(self, number: int, at: datetime) -> bool:
        """Whether a condition on events comes to something else than it did."""
        condition, before = self._conditions.all[number], self.truth.get(number)
        assert isinstance(condition, EventCondition)
        value, now = self._measures[number].value, Now(at, self._calendar)
        self.truth[number] = asked(condition.operator, value, condition.operand, now)
        return self.truth[number] is not before


def _source(collection: str, row: Json) -> tuple[str, str]:
    return collection, "order" if collection == "orders" else row["name"]


def _counts(collection: str, row: Json) -> bool:
    return collection != "orders" or row["status"] in _COUNTED


class _Active(NamedTuple):
    """An active segment: its filter with all that it rests on, and as a function."""

    rests_on: str
    holds: Truth
    used: frozenset[int]


@dataclass
class Replay:
    """All customers, from the first commit on."""

    calendar: Calendar
    at: datetime | None = None
    told: dict[tuple[str, Any], list[Told]] = field(default_factory=dict)
    # How many events bear the mark that a call has left on each of its own.
    brought: dict[str, int] = field(default_factory=dict)
    _people: dict[Any, Person] = field(default_factory=dict)
    # Rows of customers who are not there yet.
    _newcomers: dict[Any, Person] = field(default_factory=dict)
    _owners: dict[Any, Any] = field(default_factory=dict)
    _segments: dict[str, Json] = field(default_factory=dict)
    _active: dict[str, _Active] = field(default_factory=dict)
    _conditions: Conditions = field(default_factory=Conditions)
    _used: set[int] = field(default_factory=set)

    def play(self, commits: Iterable[list[Json]]) -> None:
        for events in commits:
            wall = max(event["wallTime"] for event in events)
            self.at = wall if self.at is None else max(self.at, wall)
            self._commit(events, self.at)

    def pass_time(self, until: datetime) -> None:
        """Time alone goes on until an instant."""
        for key, person in self._people.items():
            self._pass_time(key, person, until)

    def _commit(self, events: list[Json], at: datetime) -> None:
        touched: dict[Any, Json | None] = {}
        defined = False
        for event in events:
            collection, key = event["ns"]["coll"], event["documentKey"]["_id"]
            document = event.get("fullDocument")
            match collection:
                case "customers":
                    touched[key] = document
                case "segments":
                    defined = True
                    if document is None:
                        self._segments.pop(f"seg_{key}", None)
                    else:
                        self._segments[f"seg_{key}"] = document
                case _:
                    self._row(collection, key, event)
        if defined:
            self._define(at)
        for key, document in touched.items():
            self._change(key, document, at)

    def _row(self, collection: str, key: Any, event: Json) -> None:
        match event["operationType"]:
            case "insert":
                row = event["fullDocument"]
                owner = self._owners[key] = row["customerId"]
                if collection == "events" and (mark := row["properties"].get("mark")):
                    self.brought[mark] = self.brought.get(mark, 0) + 1
                self._person(owner).insert_row(collection, key, row)
            case "update":
                # A customer who is gone keeps nothing that a later state could include.
                if (person := self._people.get(self._owners[key])) is not None:
                    person.update_row(collection, key, event["updateDescription"])
            case "delete":
                # Of a customer who was deleted: an earlier state had it.
                pass

    def _person(self, key: Any) -> Person:
        if key in self._people:
            return self._people[key]
        return self._newcomers.setdefault(key, Person(self.calendar, self._conditions))

    def _define(self, at: datetime) -> None:
        """Definitions have changed: whoever is there is judged by both."""
        before, now = self._active, {}
        for id_, segment in self._segments.items():
            if segment["kind"] == "ACTIVE":
                now[id_] = self._compiled(id_)
        others = [
            id_
            for id_ in {**before, **now}
            if id_ not in before or id_ not in now or before[id_].rests_on != now[id_].rests_on
        ]
        if not others:
            return
        for key, person in self._people.items():
            self._pass_time(key, person, at)
        self._active = now
        self._used = {number for active in now.values() for number in active.used}
        for key, person in self._people.items():
            person.define(self._used, at)
            for id_ in others:
                if id_ not in now:
                    del person.is_member[id_]
                elif id_ in before:
                    self._now(id_, key, person, "DEFINITION", at)
                else:
                    person.is_member[id_] = now[id_].holds(person.truth)

    def _compiled(self, id_: str) -> _Active:
        rests_on: list[tuple[str, str]] = []

        def nested(inner: str) -> Nested:
            return Nested(inner, self._segments[inner]["name"], tree(inner))

        def tree(inner: str) -> Filter:
            wire = self._segments[inner]["filter"]
            rests_on.append((inner, repr(wire)))
            if wire is None:
                return Listed(Measure(listing(inner, self._segments[inner]["_id"])))
            return parse(wire, catalog)

        catalog = Catalog({}, nested)
        used: set[int] = set()
        holds = self._conditions.compile(tree(id_), used)
        return _Active(repr(rests_on), holds, frozenset(used))

    def _change(self, key: Any, document: Json | None, at: datetime) -> None:
        person = self._people.get(key)
        if person is not None:
            self._pass_time(key, person, at)
        if document is None:
            if person is not None:
                del self._people[key]
                for id_ in self._active:
                    if person.is_member[id_]:
                        self._tell(id_, key, "LEFT", "DELETED", at)
            return
        if person is None:
            person = self._people[key] = self._person(key)
            self._newcomers.pop(key, None)
        person.change(document, self._used, at)
        for id_ in self._active:
            self._now(id_, key, person, "LIVE", at)

    def _pass_time(self, key: Any, person: Person, until: datetime) -> None:
        for at in person.turns_until(until):
            for id_ in self._active:
                self._now(id_, key, person, "TIME", at)

    def _now(self, id_: str, key: Any, person: Person, cause: str, at: datetime) -> None:
        is_member = self._active[id_].holds(person.truth)
        if person.is_member.get(id_, False) is not is_member:
            self._tell(id_, key, "ENTERED" if is_member else "LEFT", cause, at)
        person.is_member[id_] = is_member

    def _tell(self, id_: str, key: Any, type_: str, cause: str, at: datetime) -> None:
        self.told.setdefault((id_, key), []).append(Told(type_, cause, at))


def differences(
    wanted: Mapping[tuple[str, Any], Sequence[Told]],
    found: Mapping[tuple[str, Any], Sequence[Told]],
) -> list[str]:
    """Where the two differ. Instants may, by what wall times of neighbours in the oplog are out of
    order."""
    out = []
    for key in {*wanted, *found}:
        one, other = wanted.get(key, []), found.get(key, [])
        alike = [each[:2] for each in one] == [each[:2] for each in other] and all(
            abs((a.at - b.at).total_seconds()) <= 0.02 for a, b in zip(one, other, strict=True)
        )
        if not alike:
            out.append(f"{key}: wanted {_brief(one)} but the log says {_brief(other)}")
    return out


def _brief(told: Sequence[Told]) -> str:
    return " ".join(f"{t.type}/{t.cause}@{t.at:%M:%S.%f}" for t in told)
