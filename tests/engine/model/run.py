"""One run of the model test: the workload and the faults, then the check."""

import asyncio
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from bson import Timestamp
from pymongo import MongoClient
from structlog.testing import capture_logs

from app.store.change_stream import position_of
from tests.engine.conftest import wait_until
from tests.engine.model.bulk_workload import WorkloadSizes
from tests.engine.model.checker import find_problems
from tests.engine.model.cluster import Cluster, running_cluster
from tests.engine.model.response_log import RecordingApi, ResponseLog
from tests.engine.model.workload import Workload

Json = dict[str, Any]

_CONCURRENT_OPERATIONS = 3
_SECONDS_BEFORE_FAULTS = 3.0
_ENGINE_COLLECTIONS = (
    *("partitions", "definitionChanges", "workers", "watermarks", "activeFilters", "leases"),
)


@dataclass(frozen=True)
class RunPlan:
    """The parameters of a run. The engine must catch up within `catch_up_seconds` after the
    workload."""

    seed: int = 0
    kills: int = 20
    elections: int = 0
    workers: int = 1
    members: int = 1
    sizes: WorkloadSizes = field(default_factory=WorkloadSizes)
    catch_up_seconds: float = 180


@dataclass(frozen=True)
class RunResult:
    """The result of a run."""

    kills: Counter[str]
    elections: Counter[str]
    election_terms: int
    operations: int
    # By the type and the text of the exception.
    failed_operations: Counter[str]
    response_log: ResponseLog
    causes: Counter[str]
    problems: list[str]
    phase_seconds: dict[str, float]

    def __str__(self) -> str:
        response_log, codes = self.response_log, Counter(self.response_log.error_codes)
        codes["INTERNAL"] += 0
        lines = {
            "kills": _format_counts(self.kills),
            "elections": f"{_format_counts(self.elections)}; {self.election_terms} new terms",
            "operations": f"{self.operations}, {self.failed_operations.total()} of them failed",
            "responses": f"{response_log.response_count},"
            f" the slowest in {response_log.slowest_seconds:.1f} s;"
            f" errors: {_format_counts(codes)}",
            "transitions": _format_counts(self.causes),
            "problems": str(len(self.problems)),
            "INTERNAL": str(response_log.internal_errors.total()),
            "seconds": ", ".join(
                f"{phase} {seconds:.0f}" for phase, seconds in self.phase_seconds.items()
            ),
        }
        return "\n".join(f"{name + ':':13}{text}" for name, text in lines.items())


def _format_counts(counter: Counter[str]) -> str:
    counts = ", ".join(f"{number} {name}" for name, number in sorted(counter.items()))
    return f"{counter.total()} ({counts})" if counts else "0"


async def run_model_test(folder: Path, plan: RunPlan) -> RunResult:
    """Runs the workload under faults in a folder, and checks the result."""
    with capture_logs() as log:
        return await _run_and_check(folder, plan, ResponseLog(log))


async def _run_and_check(folder: Path, plan: RunPlan, response_log: ResponseLog) -> RunResult:
    rng = random.Random(plan.seed)
    phase_timer = _PhaseTimer()
    async with running_cluster(folder, plan.workers, plan.members) as cluster:
        api = RecordingApi(**vars(cluster.api), response_log=response_log)
        assert api.settings.mongodb_url
        url = api.settings.mongodb_url.get_secret_value()
        with MongoClient[Json](url, tz_aware=True) as client:
            start_time = client.admin.command("hello")["operationTime"]
            term = await asyncio.to_thread(cluster.term)
            workload = Workload(api, client, rng, plan.sizes)
            await workload.create_initial_data()
            phase_timer.end_phase("start")
            stopped = asyncio.Event()
            failed_operations: Counter[str] = Counter()
            tasks = [
                asyncio.create_task(_run_workload(workload, stopped, failed_operations))
                for _ in range(_CONCURRENT_OPERATIONS)
            ]
            try:
                await _inject_faults(cluster, plan, rng)
            finally:
                stopped.set()
                operations = sum(await asyncio.gather(*tasks))
            await workload.change_definitions_of_members()
            phase_timer.end_phase("faults")
            now, end_time = await asyncio.to_thread(_read_end, client)
            problems = await _wait_until_processed(cluster, now, end_time, plan.catch_up_seconds)
            phase_timer.end_phase("catching up")
            await cluster.stop_workers()
            term = await asyncio.to_thread(cluster.term) - term
            if not problems:
                calendar, event_batches = api.services.calendar, response_log.event_batches
                problems = find_problems(
                    api.database, calendar, event_batches, start_time, end_time, now
                )
            phase_timer.end_phase("check")
            transitions = api.database.transitions.find({}, {"cause": 1})
            causes = Counter(row["cause"] for row in transitions)
    return RunResult(
        cluster.kills,
        cluster.elections,
        term,
        operations,
        failed_operations,
        response_log,
        causes,
        problems,
        phase_timer.seconds,
    )


class _PhaseTimer:
    """Measures the phases of a run, in seconds."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._phase_started_at = time.monotonic()

    def end_phase(self, phase: str) -> None:
        now = time.monotonic()
        self.seconds[phase], self._phase_started_at = now - self._phase_started_at, now


async def _inject_faults(cluster: Cluster, plan: RunPlan, rng: random.Random) -> None:
    await asyncio.sleep(_SECONDS_BEFORE_FAULTS)
    kinds = ["kill"] * plan.kills + ["election"] * plan.elections
    rng.shuffle(kinds)
    for kind in kinds:
        await asyncio.sleep(rng.random() * 0.9)
        await cluster.restart_exited_workers()
        if kind == "kill":
            await cluster.kill_random_process(rng)
        else:
            await cluster.force_election(rng)


async def _run_workload(
    workload: Workload, stopped: asyncio.Event, failed_operations: Counter[str]
) -> int:
    """Runs operations until `stopped` is set; returns their number, and counts the failures."""
    operations = 0
    while not stopped.is_set():
        operations += 1
        try:
            await workload.run_random_operation()
        except Exception as error:  # noqa: BLE001 - faults make operations fail
            failed_operations[f"{type(error).__name__}: {str(error)[:100]}"] += 1
        await asyncio.sleep(0.005)
    return operations


def _read_end(client: MongoClient[Json]) -> tuple[datetime, Timestamp]:
    """Returns the time of MongoDB's clock, and the last cluster time."""
    hello = client.admin.command("hello", codec_options=client.codec_options)
    return hello["localTime"], hello["operationTime"]


async def _wait_until_processed(
    cluster: Cluster, now: datetime, end_time: Timestamp, seconds: float
) -> list[str]:
    """Waits until the engine has processed all commits, and all timers due by `now`.

    Returns an empty list, or after `seconds` a description of what is missing.
    """
    database = cluster.api.database
    position = position_of(end_time)

    async def is_processed() -> bool:
        await cluster.restart_exited_workers()
        partition_behind = {
            "$or": [
                {"position": {"$lt": position}},
                {"targetRevision": {"$ne": None}},
                {"positionAt": {"$lte": now}},
            ]
        }
        if database.partitions.count_documents(partition_behind):
            return False
        base_revision = min(database.partitions.distinct("baseRevision"))
        checkpoint = database.checkpoints.find_one("loyalty")
        log_counter = database.counters.find_one("transitionLogEnd")
        assert checkpoint
        assert log_counter
        return checkpoint["sequence"] == log_counter["sequence"] and not (
            database.definitionChanges.count_documents({"_id": {"$gt": base_revision}})
            or database.membershipStates.count_documents({"nextTimerAt": {"$lte": now}})
        )

    try:
        await wait_until(is_processed, seconds)
    except TimeoutError:
        samples = {name: list(database[name].find().limit(2)) for name in _ENGINE_COLLECTIONS}
        due_timers = list(database.membershipStates.find({"nextTimerAt": {"$lte": now}}).limit(20))
        timeout_message = f"not processed until {now}, position {position}, within {seconds:g} s"
        warnings_message = f"warnings of the workers: {cluster.warnings()}"
        return [
            timeout_message,
            warnings_message,
            f"due timers: {due_timers}",
            *(f"{name}: {rows}" for name, rows in samples.items()),
        ]
    return []
