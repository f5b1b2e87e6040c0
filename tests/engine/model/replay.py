"""What the log must be, worked out anew from all that was ever committed.

The truth is the change stream, read from its beginning once all is over: every state of every
customer with the rows that it includes, and every state of the definitions. What follows is worked
out customer by customer with the evaluator and `changes_at`, without a thing of the engine's.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any, NamedTuple

from bson import ObjectId, Timestamp
from pymongo.database import Database

from app.filters import Calendar, Catalog, Facts, Filter, Now, changes_at, holds, parse
from app.filters.sources import listing
from app.filters.tree import Listed, Measure, Nested

Json = dict[str, Any]
WATCHED = ("customers", "segments", "events", "orders", "members")


class Told(NamedTuple):
    """A transition without its place in the log."""

    type: str
    cause: str
    at: datetime


def history(database: Database[Json], since: Timestamp, until: Timestamp) -> Iterator[list[Json]]:
    """The changes of each transaction, in the order of their commits."""
    stages = [{"$match": {"ns.coll": {"$in": WATCHED}}}]
    with database.watch(
        stages,
        start_at_operation_time=since,
        full_document="whenAvailable",
        full_document_before_change="whenAvailable",
        max_await_time_ms=200,
    ) as stream:
        yield from (list(group) for _, group in groupby(_events(stream, until), key=_transaction))


def _events(stream: Any, until: Timestamp) -> Iterator[Json]:
    while True:
        event = stream.try_next()
        if event is None:
            # Everything is over: what has not come by now never will.
            return
        if event["clusterTime"] > until:
            return
        yield event


def _transaction(event: Json) -> object:
    if "txnNumber" in event:
        return bytes(event["lsid"]["id"]), event["txnNumber"]
    return event["_id"]["_data"]


@dataclass
class Replay:
    """All customers, from the first commit on."""

    calendar: Calendar
    at: datetime | None = None
    customers: dict[Any, Json] = field(default_factory=dict)
    segments: dict[str, Json] = field(default_factory=dict)
    # By collection and customer, the rows by their own keys.
    rows: dict[str, dict[Any, dict[Any, Json]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(dict))
    )
    owners: dict[Any, Any] = field(default_factory=dict)
    trees: dict[str, Filter] = field(default_factory=dict)
    # By segment and customer: whether it is a member, and as of when.
    members: dict[tuple[str, Any], tuple[bool, datetime]] = field(default_factory=dict)
    told: dict[tuple[str, Any], list[Told]] = field(default_factory=lambda: defaultdict(list))

    def play(self, transactions: Iterable[list[Json]]) -> None:
        for events in transactions:
            wall = events[-1]["wallTime"]
            self.at = wall if self.at is None else max(self.at, wall)
            self._commit(events, self.at)

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
                        self.segments.pop(f"seg_{key}", None)
                    else:
                        self.segments[f"seg_{key}"] = document
                case _:
                    self._row(collection, key, event)
        if defined:
            self._define(at)
        for key, document in touched.items():
            self._change(key, document, at)

    def _row(self, collection: str, key: Any, event: Json) -> None:
        match event["operationType"]:
            case "insert":
                self.owners[key] = event["fullDocument"]["customerId"]
                self.rows[collection][self.owners[key]][key] = event["fullDocument"]
            case "update":
                change, rows = event["updateDescription"], self.rows[collection][self.owners[key]]
                row = {**rows[key], **change["updatedFields"]}
                removed = change["removedFields"]
                rows[key] = {name: row[name] for name in row if name not in removed}
            case "delete":
                # Of a customer who was deleted: an earlier state had it.
                pass

    def _facts(self, document: Json) -> Facts:
        key, version = document["_id"], document["version"]
        rows: dict[str, list[Json]] = {}
        for collection, by_customer in self.rows.items():
            of = by_customer.get(key, {}).values()
            rows[collection] = (
                list(of)
                if collection == "members"
                else [
                    {**row, "current": True}
                    for row in of
                    if row["since"] <= version and row.get("until", version + 1) > version
                ]
            )
        return Facts(document, rows)

    def _define(self, at: datetime) -> None:
        """Definitions have changed: whoever is there is judged by both."""
        active = {id_ for id_, segment in self.segments.items() if segment["kind"] == "ACTIVE"}
        trees = {id_: self._tree(id_) for id_ in active}
        for id_ in self.trees.keys() - active:
            for key in self.customers:
                self._pass_time(id_, key, at)
            del self.trees[id_]
        for key, document in self.customers.items():
            facts = self._facts(document)
            for id_ in self.trees:
                self._pass_time(id_, key, at)
            for id_, tree in trees.items():
                is_member = holds(tree, facts, Now(at, self.calendar))
                if id_ in self.trees:
                    self._now(id_, key, is_member, "DEFINITION", at)
                else:
                    self.members[id_, key] = is_member, at
        self.trees = trees

    def _tree(self, id_: str) -> Filter:
        def nested(inner: str) -> Nested:
            segment = self.segments[inner]
            return Nested(inner, segment["name"], tree(inner))

        def tree(inner: str) -> Filter:
            wire = self.segments[inner]["filter"]
            if wire is None:
                return Listed(Measure(listing(inner, self.segments[inner]["_id"])))
            return parse(wire, catalog)

        catalog = Catalog({}, nested)
        return tree(id_)

    def _change(self, key: Any, document: Json | None, at: datetime) -> None:
        if key in self.customers:
            for id_ in self.trees:
                self._pass_time(id_, key, at)
        if document is None:
            if self.customers.pop(key, None) is not None:
                for id_ in self.trees:
                    self._now(id_, key, False, "DELETED", at)
                    del self.members[id_, key]
            return
        self.customers[key] = document
        facts = self._facts(document)
        for id_, tree in self.trees.items():
            self._now(id_, key, holds(tree, facts, Now(at, self.calendar)), "LIVE", at)

    def _now(self, id_: str, key: Any, is_member: bool, cause: str, at: datetime) -> None:
        was, _ = self.members.get((id_, key), (False, at))
        if was != is_member:
            self.told[id_, key].append(Told("ENTERED" if is_member else "LEFT", cause, at))
        self.members[id_, key] = is_member, at

    def _pass_time(self, id_: str, key: Any, until: datetime) -> None:
        is_member, at = self.members[id_, key]
        facts = self._facts(self.customers[key])
        while flip := changes_at(self.trees[id_], facts, Now(at, self.calendar)):
            if flip > until:
                break
            is_member, at = not is_member, flip
            self.told[id_, key].append(Told("ENTERED" if is_member else "LEFT", "TIME", at))
        self.members[id_, key] = is_member, max(at, until)

    def pass_time(self, until: datetime) -> None:
        """Time alone goes on until an instant."""
        for key in self.customers:
            for id_ in self.trees:
                self._pass_time(id_, key, until)


def log_of(database: Database[Json], until: datetime) -> dict[tuple[str, Any], list[Told]]:
    """What the log says, by segment and customer, of what happened until an instant."""
    told: dict[tuple[str, Any], list[Told]] = defaultdict(list)
    for row in database.transitions.find().sort("_id", 1):
        if row["at"] <= until:
            transition = Told(row["type"], row["cause"], row["at"])
            told[f"seg_{row['segmentId']}", row["customerId"]].append(transition)
    return told


def differences(
    wanted: Mapping[tuple[str, Any], list[Told]], found: Mapping[tuple[str, Any], list[Told]]
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


def _brief(told: list[Told]) -> str:
    return " ".join(f"{t.type}/{t.cause}@{t.at:%M:%S.%f}" for t in told)


def ledger_problems(database: Database[Json]) -> list[str]:
    """Where the ledger is not what the log and the rules say, for the customers who are there."""
    there = {row["_id"]: row for row in database.customers.find()}
    reader = database.checkpoints.find_one({"_id": "loyalty"})
    assert reader
    # As far as points have been given by now.
    read = {"_id": {"$lte": ObjectId(f"{reader['sequence']:024x}")}}
    log = list(database.transitions.find({"type": "ENTERED", **read}).sort("_id", 1))
    wanted: set[tuple[Any, Any, int]] = set()
    for rule in database.earningRules.find():
        since, until = rule["since"], rule.get("until")
        for row in log:
            sequence = int(str(row["_id"]), 16)
            covered = since < sequence and (until is None or sequence <= until)
            if covered and row["segmentId"] == rule["segmentId"] and row["customerId"] in there:
                wanted.add((rule["_id"], row["_id"], rule["points"]["fixed"]))
    # What the others have left is swept up by and by.
    entries = [row for row in database.ledger.find() if row["customerId"] in there]
    found = [(row["ruleId"], row["transitionId"], row["points"]) for row in entries]
    problems = []
    if set(found) != wanted or len(found) != len(wanted):
        problems.append(f"the ledger has {len(found)} entries, {len(wanted)} are wanted")
    for key, customer in there.items():
        total = sum(row["points"] for row in entries if row["customerId"] == key)
        if customer.get("loyalty", {}).get("points", 0) != total:
            problems.append(f"{key} has {customer.get('loyalty')}, and entries of {total}")
    return problems
