"""The status of the engine, against what the tests wrote themselves."""

import asyncio
import os
import socket
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.domain.engine_status import EngineStatus, PartitionStatus, WorkerReport
from app.domain.progress import PartitionProgress
from app.services.engine import Engine
from app.services.health import PartitionState, check_status, partition_state
from app.store import oplog
from tests.engine.conftest import Json, ShopWithEngine, wait_until
from tests.engine.test_transitions import is_true_filter

STATUS_QUERY = """{
  engineStatus {
    at reachedAt position lagSeconds lagChanges { number exact }
    changesPerSecond transitionsPerSecond lastSequence activeSegments
    dueTimers { number exact } nextTimerAt backfillProgress
    oplogSeconds imageRetentionSeconds historyWindowSeconds
    partitions { number position reachedAt state worker { id } }
    findings { subject state remedy }
    workers {
      id host pid beganAt changes transitions changesPerSecond transitionsPerSecond errors
      lastError { message at }
    }
    lastError { message at host pid }
  }
}"""
ZERO_EXACT = {"number": 0, "exact": True}


async def fetch_status(shop: ShopWithEngine) -> Json:
    status: Json = await shop.api.fetch(STATUS_QUERY)
    return status


def engine_finding(status: Json) -> Json:
    (finding,) = [each for each in status["findings"] if each["subject"] == "engine"]
    return dict(finding)


def parse_instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def customer_row(name: str, **fields: Any) -> Json:
    """A document with fields for search, so that the worker need not add them."""
    now = datetime.now(UTC)
    required = {"sourceId": name, "createdAt": now, "updatedAt": now, "version": 1}
    search_fields: Json = {"searchWords": [], "searchTokens": [], "searchKeys": []}
    return {**required, **search_fields, **fields}


async def write_changes(shop: ShopWithEngine) -> int:
    """Writes to the database in every way; returns the number of changes of customers."""
    api, database = shop.api, shop.api.database
    for number in range(3):
        await api.upsert(f"one by one {number}", metadata={"vip": True})
    rows = [{"sourceId": f"at once {n}", "metadata": {"vip": True}} for n in range(5)]
    assert (await api.bulk_upsert("customersUpsert", rows))["accepted"] == 5
    orders = [
        {"sourceId": f"o{n}", "customer": {"sourceId": f"at once {n}"}, "amount": 100}
        for n in range(2)
    ]
    assert (await api.bulk_upsert("ordersUpsert", orders))["accepted"] == 2
    # Directly in MongoDB; one field has the name in which the oplog wraps transactions.
    database.customers.insert_many([customer_row(f"direct {n}", applyOps=n) for n in range(6)])
    for number in range(4):
        customer_filter = {"sourceId": f"direct {number}"}
        database.customers.update_one(customer_filter, {"$set": {"metadata": {"vip": True}}})
    database.customers.delete_one({"sourceId": "direct 5"})
    # Writes that are no changes of customers.
    oplog_like_document = {"op": "i", "ns": f"{database.name}.customers"}
    database.others.insert_many([{"applyOps": [oplog_like_document]} for _ in range(7)])
    database.client[f"{database.name}_2"].customers.insert_one(customer_row("another shop's"))
    database.client.drop_database(f"{database.name}_2")
    with database.client.start_session() as session, session.start_transaction():
        database.others.insert_one({"no": "customer"}, session=session)
        database.customers.insert_many(
            [customer_row(f"bulk {n}") for n in range(9)], session=session
        )
    with database.client.start_session() as session:
        session.start_transaction()
        database.customers.insert_one(customer_row("never"), session=session)
        session.abort_transaction()
    return 3 + 5 + 2 + 6 + 4 + 1 + 9


async def test_without_a_worker_the_lag_counts_all_changes(
    shop_without_engine: ShopWithEngine,
) -> None:
    first = await fetch_status(shop_without_engine)
    assert [each["number"] for each in first["partitions"]] == list(range(16))
    assert first["workers"] == []
    assert (first["changesPerSecond"], first["transitionsPerSecond"]) == (0, 0)
    assert first["lagChanges"] == ZERO_EXACT

    written = await write_changes(shop_without_engine)

    status = await fetch_status(shop_without_engine)
    assert status["lagChanges"] == {"number": written, "exact": True}
    assert {each["worker"] for each in status["partitions"]} == {None}
    assert {each["state"] for each in status["partitions"]} == {"NO_WORKER"}
    finding = engine_finding(status)
    assert finding["state"].endswith(
        f"{written} unprocessed changes, 16 partitions without a worker"
    )
    assert finding["remedy"] == "start `segments worker`, one or more"
    rows = list(shop_without_engine.api.database.partitions.find())
    assert (status["position"], status["reachedAt"]) == (first["position"], first["reachedAt"])
    assert status["position"] == min(row["position"] for row in rows)
    passed = parse_instant(status["at"]) - parse_instant(first["at"])
    assert passed > timedelta(0)
    grown = status["lagSeconds"] - first["lagSeconds"]
    assert grown == pytest.approx(passed.total_seconds())
    lag = parse_instant(status["at"]) - parse_instant(status["reachedAt"])
    assert status["lagSeconds"] == pytest.approx(lag.total_seconds())
    assert status["imageRetentionSeconds"] == status["historyWindowSeconds"] == 24 * 3600
    entries = shop_without_engine.api.database.client.local["oplog.rs"]
    times = [entries.find_one(sort=[("$natural", order)])["ts"].time for order in (1, -1)]  # type: ignore[index]
    assert times[1] - times[0] - 1 <= status["oplogSeconds"] <= times[1] - times[0]


async def test_a_worker_reports_its_work(shop_without_engine: ShopWithEngine) -> None:
    segment = await shop_without_engine.create_active_segment("VIPs", is_true_filter("vip"))
    written = await write_changes(shop_without_engine)
    shop_without_engine.start_engine()

    async def is_told() -> bool:
        status = await fetch_status(shop_without_engine)
        return bool(status["workers"]) and status["workers"][0]["changes"] >= written

    await wait_until(is_told)
    status = await fetch_status(shop_without_engine)
    (worker,) = status["workers"]
    log = await shop_without_engine.list_transitions(segment)
    assert len(log) == 3 + 5 + 4
    assert (worker["changes"], worker["transitions"]) == (written, len(log))
    assert (worker["host"], worker["pid"]) == (socket.gethostname(), os.getpid())
    assert (worker["errors"], worker["lastError"], status["lastError"]) == (0, None, None)
    assert {each["worker"]["id"] for each in status["partitions"]} == {worker["id"]}
    assert {each["state"] for each in status["partitions"]} == {"KEEPING_UP"}
    assert engine_finding(status)["remedy"] is None
    read = await shop_without_engine.api.services.engine_status.read()
    later = replace(read, observed_at=read.observed_at + timedelta(seconds=10))
    states = {partition_state(later, partition) for partition in later.partitions}
    assert states == {PartitionState.LAGGING}
    assert status["lagChanges"] == ZERO_EXACT
    assert 0 <= status["lagSeconds"] < 5
    assert (status["lastSequence"], status["activeSegments"]) == (len(log), 1)
    # The worker has done all of it since its start.
    seconds = (parse_instant(status["at"]) - parse_instant(worker["beganAt"])).total_seconds()
    assert 0 < seconds < 10
    # A busy machine takes a while from the report to its write.
    assert worker["changesPerSecond"] >= written / (seconds + 1)
    assert worker["changesPerSecond"] / worker["transitionsPerSecond"] == pytest.approx(
        written / len(log)
    )
    again = (await fetch_status(shop_without_engine))["workers"][0]
    assert (again["id"], again["beganAt"]) == (worker["id"], worker["beganAt"])


async def test_workers_are_summed_up(shop_without_engine: ShopWithEngine) -> None:
    await shop_without_engine.create_active_segment("VIPs", is_true_filter("vip"))
    tasks = [
        asyncio.create_task(Engine(shop_without_engine.api.services.store).run()) for _ in range(2)
    ]
    try:

        async def is_shared() -> bool:
            held = [
                each["worker"] for each in (await fetch_status(shop_without_engine))["partitions"]
            ]
            ids = [worker["id"] for worker in held if worker]
            return len(ids) == 16 and {ids.count(id_) for id_ in ids} == {8}

        await wait_until(is_shared)
        written = await write_changes(shop_without_engine)

        async def are_done() -> bool:
            workers = (await fetch_status(shop_without_engine))["workers"]
            return sum(int(worker["changes"]) for worker in workers) >= written

        await wait_until(are_done)
        status = await fetch_status(shop_without_engine)
        assert len({worker["id"] for worker in status["workers"]}) == 2
        for what, total in (("changes", written), ("transitions", status["lastSequence"])):
            done = [worker[what] for worker in status["workers"]]
            assert sum(done) == total
            assert min(done) > 0
            rates = [worker[f"{what}PerSecond"] for worker in status["workers"]]
            assert status[f"{what}PerSecond"] == pytest.approx(sum(rates))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_due_timers_are_counted_and_the_next_is_reported(
    shop_without_engine: ShopWithEngine,
) -> None:
    condition = {"path": "createdAt", "operator": "WITHIN_LAST", "value": "PT1H"}
    await shop_without_engine.create_active_segment("New", {"attribute": condition})
    shop_without_engine.start_engine()
    hour = timedelta(hours=1)
    now = shop_without_engine.api.database.client.admin.command("hello")["localTime"].replace(
        tzinfo=UTC
    )
    soon, later = now - hour + timedelta(seconds=2), now - timedelta(minutes=30)
    rows = [customer_row(f"soon {n}", createdAt=soon) for n in range(3)]
    shop_without_engine.api.database.customers.insert_many(
        [*rows, customer_row("later", createdAt=later)]
    )
    await wait_until(lambda: has_timers(shop_without_engine, 4))
    await shop_without_engine.stop_engine()

    async def are_due() -> bool:
        status = await fetch_status(shop_without_engine)
        return bool(status["dueTimers"]["number"])

    await wait_until(are_due)
    status = await fetch_status(shop_without_engine)
    assert status["dueTimers"] == {"number": 3, "exact": True}
    # It is over once an hour is more than over.
    next_wake = parse_instant(status["nextTimerAt"])
    assert timedelta(0) <= next_wake - (later + hour) <= timedelta(milliseconds=1)


async def has_timers(shop: ShopWithEngine, number: int) -> bool:
    timers = shop.api.database.membershipStates.count_documents({"nextTimerAt": {"$exists": True}})
    return timers == number


async def test_backfill_progress(shop_without_engine: ShopWithEngine) -> None:
    database = shop_without_engine.api.database
    assert (await fetch_status(shop_without_engine))["backfillProgress"] is None
    keys = database.customers.insert_many(
        [customer_row(f"c{n}") for n in range(1_000)]
    ).inserted_ids
    database.definitionChanges.insert_one(
        {"_id": 10, "position": "", "positionAt": datetime.now(UTC), "gapPartitions": []}
    )
    assert (await fetch_status(shop_without_engine))["backfillProgress"] == 0

    # Half of the partitions have passed; the others are at the 300th of 1,000 customers.
    third = {"targetRevision": 10, "lastBackfilledId": f"cus_{sorted(keys)[299]}"}
    database.partitions.update_many({"_id": {"$lt": 8}}, {"$set": {"baseRevision": 10}})
    database.partitions.update_many({"_id": {"$gte": 8}}, {"$set": third})
    assert (await fetch_status(shop_without_engine))["backfillProgress"] == pytest.approx(
        0.65, abs=0.08
    )

    database.partitions.update_many({}, {"$set": {"baseRevision": 10, "targetRevision": None}})
    assert (await fetch_status(shop_without_engine))["backfillProgress"] is None


async def test_counting_stops_at_a_limit_and_reports_it(
    shop_without_engine: ShopWithEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(oplog, "_ENTRIES_PER_QUERY", 10)
    database = shop_without_engine.api.database
    # The store has written documents of its own, too.
    database.customers.insert_many([customer_row(f"c{n}") for n in range(60)])
    assert (await fetch_status(shop_without_engine))["lagChanges"] == {"number": 60, "exact": True}

    database.customers.insert_many([customer_row(f"d{n}") for n in range(60)])
    status = await fetch_status(shop_without_engine)
    assert 60 < status["lagChanges"]["number"] <= 100
    assert not status["lagChanges"]["exact"]


async def test_a_position_lost_from_the_oplog_is_counted_from_its_beginning(
    shop_without_engine: ShopWithEngine,
) -> None:
    shop_without_engine.api.database.partitions.update_one(
        {"_id": 7}, {"$set": {"position": f"{1:016x}"}}
    )

    status = await fetch_status(shop_without_engine)

    assert status["position"] == f"{1:016x}"
    assert not status["lagChanges"]["exact"]


async def test_an_error_is_reported_and_outlives_its_worker(
    shop_without_engine: ShopWithEngine,
) -> None:
    await shop_without_engine.create_active_segment("VIPs", is_true_filter("vip"))
    await shop_without_engine.api.upsert("ann", metadata={"vip": True})
    # As MongoDB does when they are too old.
    shop_without_engine.api.database.client.config["system.preimages"].delete_many({})
    await shop_without_engine.api.upsert("ann", metadata={"vip": False})
    shop_without_engine.api.database.client.config["system.preimages"].delete_many({})
    shop_without_engine.start_engine()

    async def has_failed() -> bool:
        return (await fetch_status(shop_without_engine))["lastError"] is not None

    await wait_until(has_failed)
    status = await fetch_status(shop_without_engine)
    (worker,) = status["workers"]
    said = "change stream history lost: the images of a change are gone"
    assert (worker["errors"], worker["lastError"]["message"]) == (1, said)
    assert (
        parse_instant(worker["beganAt"])
        <= parse_instant(worker["lastError"]["at"])
        <= parse_instant(status["at"])
    )
    kept = status["lastError"]
    assert (kept["message"], kept["host"], kept["pid"]) == (said, worker["host"], worker["pid"])
    await shop_without_engine.stop_engine()
    after = await fetch_status(shop_without_engine)
    assert (after["workers"], after["lastError"]) == ([], kept)


async def test_an_engine_failure_is_reported(shop_without_engine: ShopWithEngine) -> None:
    await shop_without_engine.create_active_segment("VIPs", is_true_filter("vip"))
    shop_without_engine.api.database.activeFilters.update_one(
        {}, {"$set": {"timeZone": "Nowhere/At all"}}
    )
    shop_without_engine.start_engine()

    async def has_told() -> bool:
        error = (await fetch_status(shop_without_engine))["lastError"]
        return error is not None and "ZoneInfoNotFoundError" in error["message"]

    await wait_until(has_told)


async def test_an_error_that_looks_like_a_field_is_reported_as_it_is(
    shop_without_engine: ShopWithEngine,
) -> None:
    store = shop_without_engine.api.services.store
    report = WorkerReport(5, 0, 0, 0, 0, errors=1, last_error="$host", last_error_age_seconds=2)
    await store.workers.save_report("w", report)
    await store.workers.save_last_error(report)

    async with store.heartbeats.keep_alive("w"):
        status = await fetch_status(shop_without_engine)
    (worker,) = status["workers"]
    assert worker["lastError"]["message"] == status["lastError"]["message"] == "$host"
    since = parse_instant(worker["lastError"]["at"]) - parse_instant(worker["beganAt"])
    assert since == timedelta(seconds=3)


async def test_the_lag_is_unknown_after_the_clock_has_gone_back(
    shop_without_engine: ShopWithEngine,
) -> None:
    status = await shop_without_engine.api.services.engine_status.read()

    def after(seconds_back: int) -> EngineStatus:
        reached_at = status.observed_at + timedelta(seconds=seconds_back)
        partition = PartitionStatus(0, PartitionProgress("0" * 16, reached_at, 0), "")
        return replace(status, partitions=[partition])

    assert after(5).lag == timedelta(0)
    assert after(60).lag is None
    (finding,) = [each for each in check_status(after(60)) if each.subject == "engine"]
    assert "lag unknown, as MongoDB's clock has gone back by 60 s" in finding.state
    assert not finding.is_ok
