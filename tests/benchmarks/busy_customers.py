"""Events of one customer who has 100, 10,000 or 200,000 of them, under 100 windows.

    python -m tests.benchmarks.busy_customers [--rounds N]

The baseline is the customer with 100 events. Each active segment asks for a window of its own. The
customers take turns. For each event the benchmark tells the time until the entry of another
customer, who is changed right after it, is in the log, and the CPU time that the worker spends on
both. A membership asks about all 100 segments at once.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psutil
from bson import ObjectId
from pymongo import MongoClient
from pymongo.database import Database

from tests.benchmarks.program import DATABASE, program

Json = dict[str, Any]

EVENTS = (100, 10_000, 200_000)
SEGMENTS, ROUNDS, EVENTS_A_ROUND, MEMBERSHIPS = 100, 5, 20, 5
_DAYS = 300
_FUNCTIONS = ("SUM", "AVG", "MIN", "MAX", "DISTINCT_COUNT", None)
_CREATE = """mutation($input: SegmentCreateInput!) {
  segmentCreate(input: $input) { segment { id } userErrors { message } } }"""
_PROGRAM = 'mutation { loyaltyProgramCreate(input: {name: "Club"}) { program { id } } }'
_RULE = """mutation($input: EarningRuleInput!) {
  earningRuleCreate(input: $input) { userErrors { message } } }"""
_UPSERT = """mutation($inputs: [CustomerInput!]!) {
  customersUpsert(inputs: $inputs) { userErrors { message } } }"""
_DEFINE = """mutation($input: MetadataDefinitionInput!) {
  metadataDefinitionSet(input: $input) { userErrors { message } } }"""
_TRACK = """mutation($inputs: [EventInput!]!) {
  eventsTrack(inputs: $inputs) { accepted userErrors { message } } }"""
_MEMBERSHIP = """query($customer: CustomerRef!) {
  segmentMembership(customer: $customer) { isMember } }"""


class Shop:
    """What the benchmark does, and sees."""

    def __init__(self, address: str, mongodb_url: str) -> None:
        self._http = httpx.Client(base_url=f"http://{address}", timeout=120)
        self._entered = 0
        self._club: str | None = None
        self.database: Database[Json] = MongoClient[Json](mongodb_url, tz_aware=True)[DATABASE]

    def ask(self, query: str, **variables: Any) -> Json:
        answer = self._http.post("/graphql", json={"query": query, "variables": variables}).json()
        assert "errors" not in answer, answer
        data: Json = answer["data"]
        return data

    def build(self) -> None:
        """A customer for each number of events, and the active segments."""
        now = datetime.now(UTC).replace(microsecond=0)
        for number in EVENTS:
            self.database.customers.insert_one(_customer(number, now))
            customer = self.database.customers.find_one({"sourceId": name(number)})
            assert customer is not None
            step = timedelta(days=_DAYS) / number
            for first in range(0, number, 10_000):
                self.database.events.insert_many(
                    _event(customer["_id"], now - step * (number - index), index)
                    for index in range(first, min(first + 10_000, number))
                )
        for number in range(SEGMENTS):
            self.activate(f"Segment {number}", _condition(number))
        vip = {"path": "metadata.vip", "operator": "IS", "value": True}
        self.activate("VIPs", {"attribute": vip})

    def define(self, key: str, type_: str) -> None:
        """Defines a metadata key; returns once it is READY."""
        self.ask(_DEFINE, input={"key": key, "type": type_})
        while self.database.metadataDefinitions.count_documents({"state": {"$ne": "READY"}}):
            time.sleep(0.05)

    def activate(self, name: str, filter_: Json) -> None:
        """Makes a segment, and an earning rule that activates it."""
        if self._club is None:
            self._club = self.ask(_PROGRAM)["loyaltyProgramCreate"]["program"]["id"]
        definition = {"filter": {"all": [filter_]}}
        made = self.ask(_CREATE, input={"name": name, "definition": definition})
        rule = {
            "programId": self._club,
            "name": f"Rule of {name}",
            "segmentId": made["segmentCreate"]["segment"]["id"],
            "points": {"fixed": 1},
        }
        assert not self.ask(_RULE, input=rule)["earningRuleCreate"]["userErrors"]

    def upsert(self, rows: Sequence[Json]) -> None:
        for first in range(0, len(rows), 1_000):
            self.ask(_UPSERT, inputs=rows[first : first + 1_000])

    def track(self, customer: str, index: int) -> None:
        row = {
            "customer": {"sourceId": customer},
            "name": "view",
            "properties": {"seconds": index % 60},
        }
        assert self.ask(_TRACK, inputs=[row])["eventsTrack"]["accepted"] == 1

    def enter(self) -> None:
        """Another customer becomes a VIP; returns when that is in the log."""
        self._entered += 1
        row = {"sourceId": f"vip-{self._entered}", "metadata": {"vip": True}}
        self.upsert([row])
        while not self.database.transitions.count_documents({"customerSourceId": row["sourceId"]}):
            time.sleep(0.002)

    def settle(self) -> None:
        """Returns when the engine has processed all that is committed by now."""
        hello = self.database.client.admin.command("hello")["operationTime"]
        place = f"{hello.time:08x}{hello.inc:08x}"
        while self.database.partitions.count_documents({"place": {"$lt": place}}):
            time.sleep(0.002)
        last = self.database.steps.find_one(sort=[("_id", -1)])
        while last and self.database.partitions.count_documents({"base": {"$lt": last["_id"]}}):
            time.sleep(0.01)


def name(events: int) -> str:
    return f"customer-with-{events}"


def _customer(events: int, now: datetime) -> Json:
    step = timedelta(days=_DAYS) / events
    summary = {"count": events, "firstAt": now - step * events, "lastAt": now - step}
    return {
        "_id": ObjectId(),
        "sourceId": name(events),
        "createdAt": now,
        "updatedAt": now,
        "version": 1,
        "events": {"view": summary},
    }


def _event(customer: ObjectId, at: datetime, index: int) -> Json:
    properties = {"seconds": index % 60}
    row = {"_id": ObjectId(), "customerId": customer, "name": "view", "at": at, "since": 1}
    return {**row, "properties": properties}


def _condition(number: int) -> Json:
    wire: Json = {"name": "view", "within": {"last": f"P{1 + 3 * number}D"}}
    if function := _FUNCTIONS[number % len(_FUNCTIONS)]:
        wire["aggregate"] = {"function": function, "property": "seconds"}
    return {"event": {**wire, "operator": "GREATER_THAN", "value": 10**9}}


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    given = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        program(Path(folder)) as stores,
        stores.server("-m", "app", "api") as (address, _),
    ):
        shop = Shop(address, stores.mongodb_url)
        shop.build()
        with stores.process("-m", "app", "worker") as worker:
            began = time.perf_counter()
            shop.settle()
            print(f"{SEGMENTS} segments activated after {time.perf_counter() - began:.1f} s")
            seconds, cpu = _measure(shop, worker, given.rounds)
        memberships = [_membership(shop, events) for events in EVENTS]
    _report(seconds, cpu, memberships)


def _measure(
    shop: Shop, worker: psutil.Process, rounds: int
) -> tuple[dict[int, list[float]], dict[int, list[float]]]:
    """By number of events, seconds and CPU seconds for each further event."""
    seconds: dict[int, list[float]] = {events: [] for events in EVENTS}
    cpu: dict[int, list[float]] = {events: [] for events in EVENTS}
    # The first round only warms up.
    for turn in range(rounds + 1):
        for events in EVENTS:
            before = _cpu(worker)
            for index in range(EVENTS_A_ROUND):
                shop.track(name(events), index)
                began = time.perf_counter()
                shop.enter()
                if turn:
                    seconds[events].append(time.perf_counter() - began)
            if turn:
                cpu[events].append((_cpu(worker) - before) / EVENTS_A_ROUND)
    return seconds, cpu


def _membership(shop: Shop, events: int) -> float:
    taken = []
    for _ in range(MEMBERSHIPS):
        began = time.perf_counter()
        shop.ask(_MEMBERSHIP, customer={"sourceId": name(events)})
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def _report(
    seconds: dict[int, list[float]], cpu: dict[int, list[float]], memberships: Sequence[float]
) -> None:
    print("| events | another's entry after | ratio | CPU | ratio | one membership |")
    print("|---|---|---|---|---|---|")
    first = EVENTS[0]
    for events, membership in zip(EVENTS, memberships, strict=True):
        took, spent = statistics.median(seconds[events]), statistics.median(cpu[events])
        took_ratio = took / statistics.median(seconds[first])
        spent_ratio = spent / statistics.median(cpu[first])
        print(
            f"| {events:,} | {took * 1e3:.1f} ms | {took_ratio:.2f} | {spent * 1e3:.1f} ms"
            f" | {spent_ratio:.2f} | {membership * 1e3:.0f} ms |"
        )


if __name__ == "__main__":
    main()
