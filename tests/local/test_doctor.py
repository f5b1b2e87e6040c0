"""`segments doctor`: its findings and remedies."""

import re
import socket
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

from bson import ObjectId
from pymongo import MongoClient
from redis import Redis

from app.local.mongod import Mongod
from app.services import Services
from app.settings import Settings
from app.store.store import Store
from tests.environment import store_environment
from tests.local.conftest import ProgramProcess, RunProgram, WaitUntil
from tests.local_processes import running_process

Client = MongoClient[dict[str, Any]]


class Standalone(Mongod):
    """A mongod without a replica set."""

    def run(self, command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        at = command.index("--replSet")
        super().run([*command[:at], *command[at + 2 :]])

    def wait_until_ready(self) -> None:
        self.wait_until(self.socket.path.exists)


def fix_lines(program: ProgramProcess) -> list[str]:
    return [line for line in program.stdout.splitlines() if line.startswith("fix")]


async def test_everything_is_ok_while_a_worker_runs(
    run_program: RunProgram,
    settings: Settings,
    mongo_client: MongoClient[dict[str, object]],
    redis_client: Redis,
    until: WaitUntil,
) -> None:
    store = await Store.open(settings)
    services = Services(store, settings)
    for name, operator in (("Found", "STARTS_WITH"), ("Sought", "ENDS_WITH")):
        condition = {"path": "email", "operator": operator, "value": "ann"}
        wire = {"name": name, "definition": {"filter": {"attribute": condition}}}
        await services.segments.create(wire, services.now())
    await store.close()
    worker = run_program("worker", **store_environment(settings))
    until(lambda: redis_client.exists("arq:queue:health-check"))
    partitions = mongo_client[settings.database]["partitions"]
    until(lambda: partitions.count_documents({"owner": ""}) == 0)

    doctor = run_program("doctor", **store_environment(settings))
    assert doctor.wait_for_exit() == 0, doctor.stdout
    assert fix_lines(doctor) == []
    primary = "replica set rs0 with 1 member, primary /.*/mongod.sock, supported and tested"
    assert re.search(f"ok    topology: {primary}$", doctor.stdout, re.MULTILINE)
    for said in (
        "MongoDB: 6.0.5, supported and tested\n",
        "transactions: possible",
        "images: kept for 24 h",
        "Valkey",
    ):
        assert said in doctor.stdout
    assert "segments: 2, counted by a full scan: 'Sought'" in doctor.stdout
    behind = r"\d s behind, can resume within 24.0 h, \d+ unprocessed changes$"
    assert re.search(f"engine: 0 active segments, {behind}", doctor.stdout, re.MULTILINE)
    who = f"{socket.gethostname()} {worker.process.pid}"
    assert f"workers: {who}; 0.0 changes/s, 0.0 transitions/s\n" in doctor.stdout
    assert "timers: 0 due\n" in doctor.stdout
    assert "consumer loyalty: 0 transitions behind\n" in doctor.stdout
    assert "quarantine" not in doctor.stdout
    assert "last error" not in doctor.stdout
    assert f"SEGMENTS_DATABASE = {settings.database}" in doctor.stdout


async def test_a_lost_index_and_a_missing_worker_are_reported(
    run_forked: RunProgram, settings: Settings, mongo_client: MongoClient[dict[str, object]]
) -> None:
    store = await Store.open(settings)
    await store.close()
    mongo_client[settings.database]["customers"].drop_index("sourceId_1")

    doctor = run_forked("doctor", **store_environment(settings))
    assert doctor.wait_for_exit() == 1
    index, worker = fix_lines(doctor)
    assert "customers (no index sourceId_1)" in index
    assert "start `segments worker`" in worker


async def test_the_lag_and_the_last_error_of_the_engine_are_reported(
    run_forked: RunProgram, settings: Settings, mongo_client: MongoClient[dict[str, object]]
) -> None:
    store = await Store.open(settings)
    await store.close()
    database, now = mongo_client[settings.database], datetime.now(UTC)
    row = {"createdAt": now, "updatedAt": now, "version": 1}
    database.customers.insert_many([{"sourceId": f"c{n}", **row} for n in range(7)])
    database.membershipStates.insert_one(
        {"partition": 3, "nextTimerAt": now - timedelta(seconds=1)}
    )
    database.membershipStates.insert_one(
        {"partition": 4, "nextTimerAt": datetime(2999, 1, 2, tzinfo=UTC)}
    )
    error = {"message": "it broke", "host": "there", "pid": 7}
    database.engineErrors.insert_one({"_id": "last", "at": now - timedelta(minutes=50), **error})
    transition = {
        "_id": ObjectId(f"{5:024x}"),
        "type": "ENTERED",
        "cause": "LIVE",
        "at": now,
        "segmentId": ObjectId(),
        "segmentName": "VIPs",
        "customerId": ObjectId(f"{7:024x}"),
        "customerSourceId": "ann",
    }
    times = {"firstFailedAt": datetime(2026, 3, 29, tzinfo=UTC), "tries": 1_200, "retryAt": now}
    row = {"_id": "loyalty 5", "consumer": "loyalty", "transition": transition, "error": "bad"}
    database.quarantine.insert_one({**row, **times})
    database.transitions.insert_one(
        {**transition, "_id": ObjectId(f"{6:024x}"), "at": now - timedelta(hours=1)}
    )
    database.counters.update_one({"_id": "transitionLogEnd"}, {"$set": {"sequence": 6}})
    database.checkpoints.update_one({"_id": "loyalty"}, {"$set": {"sequence": 5}})

    doctor = run_forked("doctor", **store_environment(settings))
    assert doctor.wait_for_exit() == 1
    (engine,) = [line for line in fix_lines(doctor) if "engine: " in line]
    assert "7 unprocessed changes, 16 partitions without a worker; start `segments" in engine
    assert "workers: none; 0.0 changes/s" in doctor.stdout
    consumer, quarantine = [line for line in fix_lines(doctor) if "loyalty" in line]
    assert re.search(r"loyalty: 1 transitions behind, the oldest is 3,6\d\d s old; start", consumer)
    said = "1 transitions in quarantine; the oldest is transition 5 of customer"
    tried = (
        "cus_000000000000000000000007, since 2026-03-29T00:00:00+00:00, tried 1,200 times: bad;"
        " correct the customer"
    )
    assert f"quarantine of loyalty: {said} {tried}" in quarantine
    assert "timers: 1 due, the next at 2999-01-02T00:00:00+00:00\n" in doctor.stdout
    assert "engine's last error: 50 min ago on there, process 7: it broke\n" in doctor.stdout

    database.engineErrors.update_one({}, {"$set": {"at": now - timedelta(minutes=61)}})
    doctor = run_forked("doctor", **store_environment(settings))
    doctor.wait_for_exit(30)
    assert "last error" not in doctor.stdout


def test_the_members_of_a_replica_set_are_counted(
    run_forked: RunProgram, settings: Settings, tmp_path: Path, until: WaitUntil
) -> None:
    second = Mongod(tmp_path / "second", settings)
    with (
        running_process(Mongod(tmp_path / "first", settings)) as first,
        Client(first.url) as client,
    ):
        second.start()
        try:
            until(second.socket.path.exists)
            config = client.admin.command("replSetGetConfig")["config"]
            member = {"_id": 1, "host": str(second.socket.path), "votes": 0, "priority": 0}
            config["members"].append(member)
            config["version"] += 1
            client.admin.command("replSetReconfig", config)
            urls = {**store_environment(settings), "MONGODB_URL": first.url}
            doctor = run_forked("doctor", **urls)
            doctor.wait_for_exit(30)
            assert "topology: replica set rs0 with 2 members, primary " in doctor.stdout
            address = f"mongodb://{quote(str(second.socket.path), safe='')}/?directConnection=true"
            with Client(address) as member_client:
                until(lambda: "setName" in member_client.admin.command("hello"))
            doctor = run_forked("doctor", **{**urls, "MONGODB_URL": address})
            doctor.wait_for_exit(30)
            assert "not its primary; add replicaSet= to MONGODB_URL" in doctor.stdout
        finally:
            second.stop()


def test_a_standalone_is_told_to_become_a_replica_set(
    run_forked: RunProgram, settings: Settings, tmp_path: Path, until: WaitUntil
) -> None:
    with running_process(Standalone(tmp_path / "alone", settings)) as alone:
        address = f"mongodb://{quote(str(alone.socket.path), safe='')}"
        doctor = run_forked("doctor", **{**store_environment(settings), "MONGODB_URL": address})
        doctor.wait_for_exit(30)
    assert (
        "topology: standalone; run mongod with --replSet and initiate the replica set"
        in doctor.stdout
    )


def test_unreachable_stores_are_reported_without_passwords(run_forked: RunProgram) -> None:
    doctor = run_forked(
        "doctor",
        MONGODB_URL="mongodb://ada:love@127.0.0.1:1",
        REDIS_URL="redis://:love@127.0.0.1:1/0?password=lace",
    )
    assert doctor.wait_for_exit() == 1
    mongodb, redis = fix_lines(doctor)
    assert "check that MongoDB runs and that MONGODB_URL is right" in mongodb
    assert "check that Redis runs and that REDIS_URL is right" in redis
    assert "mongodb://ada:***@127.0.0.1:1" in doctor.stdout
    assert "love" not in doctor.stdout + doctor.stderr
    assert "lace" not in doctor.stdout + doctor.stderr


def test_invalid_addresses_are_reported(run_forked: RunProgram) -> None:
    doctor = run_forked("doctor", MONGODB_URL="mongodb://a:b:c@d", REDIS_URL="http://d")
    assert doctor.wait_for_exit() == 1
    mongodb, redis = fix_lines(doctor)
    assert "must be escaped" in mongodb
    assert "REDIS_URL is right" in redis


def test_without_addresses_it_looks_for_a_running_up(run_forked: RunProgram) -> None:
    doctor = run_forked("doctor")
    assert doctor.wait_for_exit() == 1
    assert doctor.stderr == (
        "segments: MONGODB_URL is not set, and no `segments up` runs in .segments\n"
    )
