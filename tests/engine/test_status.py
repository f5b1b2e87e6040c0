"""What is to be seen of the engine from outside, against what the tests themselves wrote."""

import asyncio
import os
import socket
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from app.domain.engine import Report
from app.services.engine import Engine
from app.store import oplog
from tests.engine.conftest import Json, Shop, until
from tests.engine.test_transitions import is_true

STATUS = """{
  engineStatus {
    at reachedAt place lagSeconds lagChanges { number exact }
    changesPerSecond transitionsPerSecond lastSequence activeSegments
    wakeUpsDue { number exact } nextWakeUpAt passedShare
    oplogSeconds imagesSeconds historySeconds
    partitions { number place reachedAt worker { id } }
    workers {
      id host pid beganAt changes transitions changesPerSecond transitionsPerSecond errors
      lastError { message at }
    }
    lastError { message at host pid }
  }
}"""
NONE = {"number": 0, "exact": True}


async def seen(shop: Shop) -> Json:
    status: Json = await shop.api.ask(STATUS)
    return status


async def metrics(shop: Shop) -> dict[str, list[tuple[dict[str, str], float]]]:
    """The samples of /metrics by their names, each with its labels."""
    answer = await shop.api.http.get("/metrics")
    assert answer.status_code == 200
    samples: dict[str, list[tuple[dict[str, str], float]]] = {}
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            samples.setdefault(sample.name, []).append((sample.labels, sample.value))
    return samples


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _row(name: str, **fields: Any) -> Json:
    now = datetime.now(UTC)
    return {"sourceId": name, "createdAt": now, "updatedAt": now, "version": 1, **fields}


async def write(shop: Shop) -> int:
    """Writes in all ways there are, and says how many changes of customers these were."""
    api, database = shop.api, shop.api.database
    for number in range(3):
        await api.upsert(f"one by one {number}", metadata={"vip": True})
    rows = [{"sourceId": f"at once {n}", "metadata": {"vip": True}} for n in range(5)]
    assert (await api.many("customersUpsert", rows))["accepted"] == 5
    orders = [
        {"sourceId": f"o{n}", "customer": {"sourceId": f"at once {n}"}, "amount": 100}
        for n in range(2)
    ]
    assert (await api.many("ordersUpsert", orders))["accepted"] == 2
    # Past the program; one looks like what the oplog wraps transactions in.
    database.customers.insert_many([_row(f"direct {n}", applyOps=n) for n in range(6)])
    for number in range(4):
        who = {"sourceId": f"direct {number}"}
        database.customers.update_one(who, {"$set": {"metadata": {"vip": True}}})
    database.customers.delete_one({"sourceId": "direct 5"})
    # Nobody's business.
    like_one = {"op": "i", "ns": f"{database.name}.customers"}
    database.others.insert_many([{"applyOps": [like_one]} for _ in range(7)])
    database.client[f"{database.name}_2"].customers.insert_one(_row("another shop's"))
    database.client.drop_database(f"{database.name}_2")
    with database.client.start_session() as session, session.start_transaction():
        database.others.insert_one({"no": "customer"}, session=session)
        database.customers.insert_many([_row(f"bulk {n}") for n in range(9)], session=session)
    with database.client.start_session() as session:
        session.start_transaction()
        database.customers.insert_one(_row("never"), session=session)
        session.abort_transaction()
    return 3 + 5 + 2 + 6 + 4 + 1 + 9


async def test_without_a_worker_it_falls_behind_by_what_is_written(alone: Shop) -> None:
    first = await seen(alone)
    assert [each["number"] for each in first["partitions"]] == list(range(16))
    assert first["workers"] == []
    assert (first["changesPerSecond"], first["transitionsPerSecond"]) == (0, 0)
    assert first["lagChanges"] == NONE

    written = await write(alone)

    status = await seen(alone)
    assert status["lagChanges"] == {"number": written, "exact": True}
    assert {each["worker"] for each in status["partitions"]} == {None}
    rows = list(alone.api.database.partitions.find())
    assert (status["place"], status["reachedAt"]) == (first["place"], first["reachedAt"])
    assert status["place"] == min(row["place"] for row in rows)
    passed = instant(status["at"]) - instant(first["at"])
    assert passed > timedelta(0)
    grown = status["lagSeconds"] - first["lagSeconds"]
    assert grown == pytest.approx(passed.total_seconds())
    lag = instant(status["at"]) - instant(status["reachedAt"])
    assert status["lagSeconds"] == pytest.approx(lag.total_seconds())
    assert status["imagesSeconds"] == status["historySeconds"] == 24 * 3600
    entries = alone.api.database.client.local["oplog.rs"]
    times = [entries.find_one(sort=[("$natural", order)])["ts"].time for order in (1, -1)]  # type: ignore[index]
    assert times[1] - times[0] - 1 <= status["oplogSeconds"] <= times[1] - times[0]


async def test_a_worker_comes_and_says_what_it_has_done(alone: Shop) -> None:
    segment = await alone.active("VIPs", is_true("vip"))
    written = await write(alone)
    alone.wake()

    async def is_told() -> bool:
        status = await seen(alone)
        return bool(status["workers"]) and status["workers"][0]["changes"] >= written

    await until(is_told)
    status = await seen(alone)
    (worker,) = status["workers"]
    log = await alone.log(segment)
    assert len(log) == 3 + 5 + 4
    assert (worker["changes"], worker["transitions"]) == (written, len(log))
    assert (worker["host"], worker["pid"]) == (socket.gethostname(), os.getpid())
    assert (worker["errors"], worker["lastError"], status["lastError"]) == (0, None, None)
    assert {each["worker"]["id"] for each in status["partitions"]} == {worker["id"]}
    assert status["lagChanges"] == NONE
    assert 0 <= status["lagSeconds"] < 5
    assert (status["lastSequence"], status["activeSegments"]) == (len(log), 1)
    # All of it was done since it began.
    seconds = (instant(status["at"]) - instant(worker["beganAt"])).total_seconds()
    assert 0 < seconds < 10
    # The report was made before it was written: a busy machine takes a while in between.
    assert worker["changesPerSecond"] >= written / (seconds + 1)
    assert worker["changesPerSecond"] / worker["transitionsPerSecond"] == pytest.approx(
        written / len(log)
    )
    again = (await seen(alone))["workers"][0]
    assert (again["id"], again["beganAt"]) == (worker["id"], worker["beganAt"])


async def test_workers_are_summed_up(alone: Shop) -> None:
    await alone.active("VIPs", is_true("vip"))
    tasks = [asyncio.create_task(Engine(alone.api.services.store).run()) for _ in range(2)]
    try:

        async def is_shared() -> bool:
            held = [each["worker"] for each in (await seen(alone))["partitions"]]
            ids = [worker["id"] for worker in held if worker]
            return len(ids) == 16 and {ids.count(id_) for id_ in ids} == {8}

        await until(is_shared)
        written = await write(alone)

        async def are_done() -> bool:
            workers = (await seen(alone))["workers"]
            return sum(int(worker["changes"]) for worker in workers) >= written

        await until(are_done)
        status = await seen(alone)
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


async def test_whose_time_has_come_is_counted_and_the_next_is_told(alone: Shop) -> None:
    condition = {"path": "createdAt", "operator": "WITHIN_LAST", "value": "PT1H"}
    await alone.active("New", {"attribute": condition})
    alone.wake()
    hour = timedelta(hours=1)
    now = alone.api.database.client.admin.command("hello")["localTime"].replace(tzinfo=UTC)
    soon, later = now - hour + timedelta(seconds=2), now - timedelta(minutes=30)
    rows = [_row(f"soon {n}", createdAt=soon) for n in range(3)]
    alone.api.database.customers.insert_many([*rows, _row("later", createdAt=later)])
    await until(lambda: _wakes(alone, 4))
    await alone.sleep()

    async def are_due() -> bool:
        status = await seen(alone)
        return bool(status["wakeUpsDue"]["number"])

    await until(are_due)
    status = await seen(alone)
    assert status["wakeUpsDue"] == {"number": 3, "exact": True}
    # It is over once an hour is more than over.
    next_wake = instant(status["nextWakeUpAt"])
    assert timedelta(0) <= next_wake - (later + hour) <= timedelta(milliseconds=1)


async def _wakes(shop: Shop, number: int) -> bool:
    found = shop.api.database.states.count_documents({"wakesAt": {"$exists": True}})
    return found == number


async def test_how_far_a_pass_has_come(alone: Shop) -> None:
    database = alone.api.database
    assert (await seen(alone))["passedShare"] is None
    keys = database.customers.insert_many([_row(f"c{n}") for n in range(1_000)]).inserted_ids
    database.steps.insert_one({"_id": 10, "place": "", "at": datetime.now(UTC), "gaps": []})
    assert (await seen(alone))["passedShare"] == 0

    # Half of the partitions have passed; the others are at the 300th of 1,000 customers.
    third = {"target": 10, "after": f"cus_{sorted(keys)[299]}"}
    database.partitions.update_many({"_id": {"$lt": 8}}, {"$set": {"base": 10}})
    database.partitions.update_many({"_id": {"$gte": 8}}, {"$set": third})
    assert (await seen(alone))["passedShare"] == pytest.approx(0.65, abs=0.08)

    database.partitions.update_many({}, {"$set": {"base": 10, "target": None}})
    assert (await seen(alone))["passedShare"] is None


async def test_counting_ends_somewhere_and_says_so(
    alone: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(oplog, "_ENTRIES", 10)
    database = alone.api.database
    # The store has written something of its own, too.
    database.customers.insert_many([_row(f"c{n}") for n in range(60)])
    assert (await seen(alone))["lagChanges"] == {"number": 60, "exact": True}

    database.customers.insert_many([_row(f"d{n}") for n in range(60)])
    status = await seen(alone)
    assert 60 < status["lagChanges"]["number"] <= 100
    assert not status["lagChanges"]["exact"]


async def test_a_place_that_the_oplog_has_lost_is_counted_from_its_beginning(alone: Shop) -> None:
    alone.api.database.partitions.update_one({"_id": 7}, {"$set": {"place": f"{1:016x}"}})

    status = await seen(alone)

    assert status["place"] == f"{1:016x}"
    assert not status["lagChanges"]["exact"]


async def test_an_error_is_told_and_outlives_its_worker(alone: Shop) -> None:
    await alone.active("VIPs", is_true("vip"))
    await alone.api.upsert("ann", metadata={"vip": True})
    # As when they are too old, which MongoDB sees to itself.
    alone.api.database.client.config["system.preimages"].delete_many({})
    await alone.api.upsert("ann", metadata={"vip": False})
    alone.api.database.client.config["system.preimages"].delete_many({})
    alone.wake()

    async def has_failed() -> bool:
        return (await seen(alone))["lastError"] is not None

    await until(has_failed)
    status = await seen(alone)
    (worker,) = status["workers"]
    said = "history is lost: the images of a change are gone"
    assert (worker["errors"], worker["lastError"]["message"]) == (1, said)
    assert instant(worker["beganAt"]) <= instant(worker["lastError"]["at"]) <= instant(status["at"])
    kept = status["lastError"]
    assert (kept["message"], kept["host"], kept["pid"]) == (said, worker["host"], worker["pid"])
    await alone.sleep()
    after = await seen(alone)
    assert (after["workers"], after["lastError"]) == ([], kept)


async def test_what_an_engine_stumbles_over_is_told(alone: Shop) -> None:
    await alone.active("VIPs", is_true("vip"))
    alone.api.database.activeFilters.update_one({}, {"$set": {"timeZone": "Nowhere/At all"}})
    alone.wake()

    async def has_told() -> bool:
        error = (await seen(alone))["lastError"]
        return error is not None and "ZoneInfoNotFoundError" in error["message"]

    await until(has_told)


async def test_an_error_that_looks_like_a_field_is_told_as_it_is(alone: Shop) -> None:
    store = alone.api.services.store
    report = Report(5, 0, 0, 0, 0, errors=1, error="$host", error_seconds=2)
    await store.workers.report("w", report)
    await store.workers.keep_error(report)

    async with store.presence.keep("w"):
        status = await seen(alone)
    (worker,) = status["workers"]
    assert worker["lastError"]["message"] == status["lastError"]["message"] == "$host"
    since = instant(worker["lastError"]["at"]) - instant(worker["beganAt"])
    assert since == timedelta(seconds=3)


async def test_prometheus_is_told_the_same(alone: Shop) -> None:
    database = alone.api.database
    written = await write(alone)
    now = datetime.now(UTC).replace(microsecond=0)
    for number, host in enumerate(['ho"st\\1\n', "host 2"], 1):
        row = {"host": host, "pid": number, "beganAt": now}
        done = {"changes": 10 * number, "transitions": 5 * number, "errors": number}
        rates = {"changesPerSecond": 1.5 * number, "transitionsPerSecond": 0.5}
        error = {"message": "broke", "at": now}
        database.workers.insert_one({"_id": f"w{number}", **row, **done, **rates, "error": error})
        database.presences.insert_one({"_id": f"w{number}", "until": now + timedelta(hours=1)})
        mine = {"_id": {"$lt": 6 * number, "$gte": 6 * (number - 1)}}
        database.partitions.update_many(mine, {"$set": {"worker": f"w{number}"}})
    database.engineErrors.insert_one(
        {"_id": "last", "message": "", "at": now, "host": "", "pid": 1}
    )
    database.fences.update_one({"_id": "log"}, {"$set": {"sequence": 12_345}})
    waits = [
        (1, now - timedelta(seconds=1)),
        (2, now - timedelta(hours=1)),
        (3, now + timedelta(1)),
    ]
    database.states.insert_many([{"partition": n, "wakesAt": at} for n, at in waits])
    database.steps.insert_one({"_id": 1_000, "place": "", "at": now, "gaps": []})
    await alone.segment("Passive", is_true("vip"))
    await alone.active("VIPs", is_true("vip"))

    status, samples = await seen(alone), await metrics(alone)

    told = {name.removeprefix("segments_engine_"): values for name, values in samples.items()}
    single = {name: values[0][1] for name, values in told.items() if values[0][0] == {}}
    assert single.pop("lag_seconds") == pytest.approx(status["lagSeconds"], abs=2)
    known = {
        "up": 1,
        "reached_timestamp_seconds": instant(status["reachedAt"]).timestamp(),
        "lag_changes": status["lagChanges"]["number"],
        "lag_changes_exact": 1,
        "changes_per_second": status["changesPerSecond"],
        "transitions_per_second": status["transitionsPerSecond"],
        "transitions_total": status["lastSequence"],
        "active_segments": status["activeSegments"],
        "wakeups_due": status["wakeUpsDue"]["number"],
        "next_wakeup_timestamp_seconds": instant(status["nextWakeUpAt"]).timestamp(),
        "passed_ratio": status["passedShare"],
        "partitions": len(status["partitions"]),
        "partitions_unheld": sum(each["worker"] is None for each in status["partitions"]),
        "workers": len(status["workers"]),
        "oplog_window_seconds": pytest.approx(status["oplogSeconds"], abs=2),
        "images_kept_seconds": status["imagesSeconds"],
        "history_seconds": status["historySeconds"],
        "last_error_timestamp_seconds": instant(status["lastError"]["at"]).timestamp(),
    }
    assert {name: value for name, value in single.items() if name in known} == known
    assert known["lag_changes"] == written
    assert (known["changes_per_second"], known["transitions_per_second"]) == (4.5, 1)
    assert (known["transitions_total"], known["active_segments"]) == (12_345, 1)
    assert (known["wakeups_due"], known["partitions_unheld"], known["workers"]) == (2, 4, 2)
    assert known["passed_ratio"] == 0
    assert known["next_wakeup_timestamp_seconds"] == (now + timedelta(1)).timestamp()
    for what in ("changes", "transitions", "errors"):
        assert told[f"worker_{what}_total"] == [
            ({"worker": each["id"], "host": each["host"], "pid": str(each["pid"])}, each[what])
            for each in status["workers"]
        ]
    # And this process is told of as before.
    assert samples["process_resident_memory_bytes"][0][1] > 0
