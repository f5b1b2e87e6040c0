"""A new event of a customer with 100, 10,000 or 200,000 events, with 100 active segments.

    python -m tests.benchmarks.busy_customers [--rounds N]

The baseline is the customer with 100 events. Each active segment has a window of its own. The
customers take turns. After each event the benchmark changes another customer. It measures the time
until the transition of that customer is in the log, and the CPU time that the worker spends on both
changes. A membership query asks about all 100 segments at once.
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

from tests.benchmarks.program import DATABASE, running_program

Json = dict[str, Any]

EVENT_COUNTS = (100, 10_000, 200_000)
SEGMENTS = 100
ROUNDS = 5
EVENTS_PER_ROUND = 20
MEMBERSHIP_QUERIES = 5
_EVENT_SPAN_DAYS = 300
_AGGREGATE_FUNCTIONS = ("SUM", "AVG", "MIN", "MAX", "DISTINCT_COUNT", None)
_CREATE = """mutation($input: SegmentCreateInput!) {
  segmentCreate(input: $input) { segment { id } userErrors { message } } }"""
_CREATE_PROGRAM = 'mutation { loyaltyProgramCreate(input: {name: "Club"}) { program { id } } }'
_CREATE_RULE = """mutation($input: EarningRuleInput!) {
  earningRuleCreate(input: $input) { userErrors { message } } }"""
_UPSERT = """mutation($inputs: [CustomerInput!]!) {
  customersUpsert(inputs: $inputs) { userErrors { message } } }"""
_DEFINE = """mutation($input: MetadataDefinitionInput!) {
  metadataDefinitionSet(input: $input) { userErrors { message } } }"""
_TRACK = """mutation($inputs: [EventInput!]!) {
  eventsTrack(inputs: $inputs) { accepted userErrors { message } } }"""
_MEMBERSHIP_QUERY = """query($customer: CustomerRef!) {
  segmentMembership(customer: $customer) { isMember } }"""


class BenchmarkShop:
    """A client of the API and of the database under test."""

    def __init__(self, address: str, mongodb_url: str) -> None:
        self._http = httpx.Client(base_url=f"http://{address}", timeout=120)
        self._vip_count = 0
        self._program_id: str | None = None
        self.database: Database[Json] = MongoClient[Json](mongodb_url, tz_aware=True)[DATABASE]

    def execute(self, query: str, **variables: Any) -> Json:
        response = self._http.post("/graphql", json={"query": query, "variables": variables}).json()
        assert "errors" not in response, response
        data: Json = response["data"]
        return data

    def create_customers_and_segments(self) -> None:
        """Creates a customer for each number of events, and the active segments."""
        now = datetime.now(UTC).replace(microsecond=0)
        for number in EVENT_COUNTS:
            self.database.customers.insert_one(_customer(number, now))
            customer = self.database.customers.find_one({"sourceId": customer_source_id(number)})
            assert customer is not None
            step = timedelta(days=_EVENT_SPAN_DAYS) / number
            for first in range(0, number, 10_000):
                self.database.events.insert_many(
                    _event(customer["_id"], now - step * (number - index), index)
                    for index in range(first, min(first + 10_000, number))
                )
        for number in range(SEGMENTS):
            self.create_active_segment(f"Segment {number}", _condition(number))
        vip = {"path": "metadata.vip", "operator": "IS", "value": True}
        self.create_active_segment("VIPs", {"attribute": vip})

    def define_metadata_key(self, key: str, type_: str) -> None:
        """Defines a metadata key; returns once it is READY."""
        self.execute(_DEFINE, input={"key": key, "type": type_})
        while self.database.metadataDefinitions.count_documents({"state": {"$ne": "READY"}}):
            time.sleep(0.05)

    def create_segment(self, name: str, filter_: Json) -> str:
        """Returns the id."""
        segment_input = {"name": name, "definition": {"filter": filter_}}
        payload = self.execute(_CREATE, input=segment_input)["segmentCreate"]
        assert not payload["userErrors"], payload
        return str(payload["segment"]["id"])

    def create_active_segment(self, name: str, filter_: Json) -> str:
        """Creates a segment, and an earning rule that activates it; returns the segment's id."""
        if self._program_id is None:
            self._program_id = self.execute(_CREATE_PROGRAM)["loyaltyProgramCreate"]["program"][
                "id"
            ]
        segment_id = self.create_segment(name, {"all": [filter_]})
        rule = {
            "programId": self._program_id,
            "name": f"Rule of {name}",
            "segmentId": segment_id,
            "points": {"fixed": 1},
        }
        assert not self.execute(_CREATE_RULE, input=rule)["earningRuleCreate"]["userErrors"]
        return segment_id

    def upsert_customers(self, rows: Sequence[Json]) -> None:
        for first in range(0, len(rows), 1_000):
            self.execute(_UPSERT, inputs=rows[first : first + 1_000])

    def track_event(self, customer: str, index: int) -> None:
        row = {
            "customer": {"sourceId": customer},
            "name": "view",
            "properties": {"seconds": index % 60},
        }
        assert self.execute(_TRACK, inputs=[row])["eventsTrack"]["accepted"] == 1

    def add_vip_and_wait(self) -> None:
        """Makes another customer a VIP; returns when the transition is in the log."""
        self._vip_count += 1
        row = {"sourceId": f"vip-{self._vip_count}", "metadata": {"vip": True}}
        self.upsert_customers([row])
        while not self.database.transitions.count_documents({"customerSourceId": row["sourceId"]}):
            time.sleep(0.002)

    def wait_until_processed(self) -> None:
        """Returns when the engine has processed all that is committed by now."""
        operation_time = self.database.client.admin.command("hello")["operationTime"]
        position = f"{operation_time.time:08x}{operation_time.inc:08x}"
        while self.database.partitions.count_documents({"position": {"$lt": position}}):
            time.sleep(0.002)
        latest_change = self.database.definitionChanges.find_one(sort=[("_id", -1)])
        while latest_change and self.database.partitions.count_documents(
            {"baseRevision": {"$lt": latest_change["_id"]}}
        ):
            time.sleep(0.01)


def customer_source_id(event_count: int) -> str:
    return f"customer-with-{event_count}"


def _customer(event_count: int, now: datetime) -> Json:
    step = timedelta(days=_EVENT_SPAN_DAYS) / event_count
    summary = {"count": event_count, "firstAt": now - step * event_count, "lastAt": now - step}
    return {
        "_id": ObjectId(),
        "sourceId": customer_source_id(event_count),
        "createdAt": now,
        "updatedAt": now,
        "version": 1,
        "events": {"view": summary},
    }


def _event(customer: ObjectId, occurred_at: datetime, index: int) -> Json:
    properties = {"seconds": index % 60}
    row = {
        "_id": ObjectId(),
        "customerId": customer,
        "name": "view",
        "at": occurred_at,
        "sinceVersion": 1,
    }
    return {**row, "properties": properties}


def _condition(number: int) -> Json:
    wire: Json = {"name": "view", "within": {"last": f"P{1 + 3 * number}D"}}
    if function := _AGGREGATE_FUNCTIONS[number % len(_AGGREGATE_FUNCTIONS)]:
        wire["aggregate"] = {"function": function, "property": "seconds"}
    return {"event": {**wire, "operator": "GREATER_THAN", "value": 10**9}}


def _cpu_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        running_program(Path(folder)) as stores,
        stores.server("-m", "app", "api") as (address, _),
    ):
        shop = BenchmarkShop(address, stores.mongodb_url)
        shop.create_customers_and_segments()
        with stores.process("-m", "app", "worker") as worker:
            started_at = time.perf_counter()
            shop.wait_until_processed()
            print(f"{SEGMENTS} segments activated after {time.perf_counter() - started_at:.1f} s")
            seconds, cpu = _measure(shop, worker, arguments.rounds)
        memberships = [_measure_membership(shop, events) for events in EVENT_COUNTS]
    _report(seconds, cpu, memberships)


def _measure(
    shop: BenchmarkShop, worker: psutil.Process, rounds: int
) -> tuple[dict[int, list[float]], dict[int, list[float]]]:
    """Returns the seconds and the CPU seconds of each new event, by the number of earlier
    events."""
    seconds: dict[int, list[float]] = {event_count: [] for event_count in EVENT_COUNTS}
    cpu: dict[int, list[float]] = {event_count: [] for event_count in EVENT_COUNTS}
    # The first round only warms up.
    for round_number in range(rounds + 1):
        for event_count in EVENT_COUNTS:
            cpu_before = _cpu_seconds(worker)
            for index in range(EVENTS_PER_ROUND):
                shop.track_event(customer_source_id(event_count), index)
                started_at = time.perf_counter()
                shop.add_vip_and_wait()
                if round_number:
                    seconds[event_count].append(time.perf_counter() - started_at)
            if round_number:
                cpu[event_count].append((_cpu_seconds(worker) - cpu_before) / EVENTS_PER_ROUND)
    return seconds, cpu


def _measure_membership(shop: BenchmarkShop, event_count: int) -> float:
    seconds = []
    for _ in range(MEMBERSHIP_QUERIES):
        started_at = time.perf_counter()
        shop.execute(_MEMBERSHIP_QUERY, customer={"sourceId": customer_source_id(event_count)})
        seconds.append(time.perf_counter() - started_at)
    return statistics.median(seconds)


def _report(
    seconds: dict[int, list[float]], cpu: dict[int, list[float]], memberships: Sequence[float]
) -> None:
    print("| events | next transition after | ratio | CPU | ratio | one membership |")
    print("|---|---|---|---|---|---|")
    baseline_event_count = EVENT_COUNTS[0]
    for event_count, membership in zip(EVENT_COUNTS, memberships, strict=True):
        event_seconds = statistics.median(seconds[event_count])
        event_cpu_seconds = statistics.median(cpu[event_count])
        seconds_ratio = event_seconds / statistics.median(seconds[baseline_event_count])
        cpu_ratio = event_cpu_seconds / statistics.median(cpu[baseline_event_count])
        print(
            f"| {event_count:,} | {event_seconds * 1e3:.1f} ms | {seconds_ratio:.2f}"
            f" | {event_cpu_seconds * 1e3:.1f} ms | {cpu_ratio:.2f} | {membership * 1e3:.0f} ms |"
        )


if __name__ == "__main__":
    main()
