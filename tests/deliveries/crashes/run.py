"""One run of the crash test: the workload and the faults, then the check."""

import asyncio
import random
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.domain.consumers import Consumer
from tests.api import Documents
from tests.deliveries.crashes.checker import find_problems
from tests.deliveries.crashes.faults import FaultProgress, inject_faults
from tests.deliveries.crashes.workload import CHANGING_CUSTOMERS, Workload
from tests.deliveries.receiver import Receiver, running_receiver
from tests.engine.conftest import wait_until
from tests.engine.model.cluster import Cluster, running_cluster


@dataclass(frozen=True)
class RunPlan:
    """The parameters of a run.

    All must be done within `completion_seconds` after the last fault.
    """

    turns: int = 100
    faults: int = 60
    workers: int = 2
    seed: int = 0
    completion_seconds: float = 240

    @property
    def transitions(self) -> int:
        return self.turns * CHANGING_CUSTOMERS


@dataclass(frozen=True)
class RunResult:
    """What a run has made, and the problems that it found."""

    kills: Counter[str]
    counts: dict[str, int]
    start_seconds: float
    fault_seconds: float
    completion_seconds: float
    problems: list[str]

    def __str__(self) -> str:
        kills = ", ".join(f"{count} {kind}" for kind, count in sorted(self.kills.items()))
        counts = ", ".join(f"{count:,} {name}" for name, count in self.counts.items())
        return (
            f"faults:   {self.kills.total()} ({kills})\n"
            f"seconds:  {self.start_seconds:.0f} to start, {self.fault_seconds:.0f} of faults,"
            f" {self.completion_seconds:.0f} until complete\n"
            f"made:     {counts}\n"
            f"problems: {len(self.problems)}"
        )


async def run_crash_test(folder: Path, plan: RunPlan) -> RunResult:
    """Runs the workload under faults in a folder, and checks the result."""
    rng, began_at = random.Random(plan.seed), time.monotonic()
    async with (
        running_receiver() as receiver,
        running_cluster(folder, plan.workers, 1, webhook_allow_private=True) as cluster,
    ):
        workload = Workload(cluster.api, rng, receiver)
        await workload.create_initial_data(plan.turns)
        started_at = time.monotonic()
        progress = FaultProgress(plan.faults)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(inject_faults(cluster, plan.faults, rng, progress))
            tasks.create_task(workload.change_members(plan.turns, progress))
            tasks.create_task(workload.record_referrals(progress))
        faults_ended_at = time.monotonic()
        problems = await _wait_until_complete(cluster, plan)
        completed_at = time.monotonic()
        await cluster.stop_workers()
        database = cluster.api.database
        problems += find_problems(database, receiver.requests, workload.baseline)
        return RunResult(
            cluster.kills,
            _read_counts(database, receiver),
            started_at - began_at,
            faults_ended_at - started_at,
            completed_at - faults_ended_at,
            problems,
        )


async def _wait_until_complete(cluster: Cluster, plan: RunPlan) -> list[str]:
    """Waits until workers have nothing left to do. Returns an empty list, or after the time limit a
    description of what is missing."""
    database = cluster.api.database

    async def is_complete() -> bool:
        await cluster.restart_exited_workers()
        return not _read_missing(database, plan.transitions)

    try:
        await wait_until(is_complete, plan.completion_seconds)
    except TimeoutError:
        return [
            f"incomplete after {plan.completion_seconds:g} s:"
            f" {_read_missing(database, plan.transitions)}; {cluster.warnings()}"
        ]
    return []


def _read_missing(database: Documents, transitions: int) -> dict[str, Any]:
    """What workers have yet to do, without what is done."""
    log_end = database.counters.find_one({"_id": "transitionLogEnd"})
    assert log_end is not None
    behind = {"_id": {"$in": [consumer.value for consumer in Consumer]}}
    not_given = {"$or": [{"checkAt": {"$exists": 1}}, {"waitingPoolId": {"$exists": 1}}]}
    missing = {
        "transitions": transitions - log_end["sequence"],
        "consumers": database.checkpoints.count_documents(
            {**behind, "sequence": {"$ne": log_end["sequence"]}}
        ),
        "quarantined": database.quarantine.count_documents({}),
        "rewards": database.referralRewards.count_documents(not_given),
        "deliveries": database.deliveries.count_documents({"status": {"$ne": "DELIVERED"}}),
    }
    return {name: count for name, count in missing.items() if count}


def _read_counts(database: Documents, receiver: Receiver) -> dict[str, int]:
    ids = {request.headers["webhook-id"] for request in receiver.requests}
    return {
        "transitions": database.transitions.count_documents({}),
        "deliveries": database.deliveries.count_documents({}),
        "webhooks": len(receiver.requests),
        "repeated webhooks": len(receiver.requests) - len(ids),
        "ledger entries": database.ledger.count_documents({}),
        "rewards": database.referralRewards.count_documents({"state": "GIVEN"}),
        "codes": sum(row["claimedCount"] for row in database.codeClaims.find()),
    }
