"""The processes under test (MongoDB, Valkey, workers), and the faults of the model test."""

import asyncio
import json
import os
import random
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from redis.asyncio import Redis

from app.local.mongod import Mongod
from app.local.process import ChildProcess
from app.local.valkey import Valkey
from app.settings import Settings
from tests.api import Api, running_api
from tests.engine.model.replica_set import ReplicaSet, ReplicaSetMember
from tests.environment import store_environment
from tests.forked_program import ForkedChild
from tests.local_processes import mongod_settings

_LOG_LINES_READ = 1_000
_STEP_DOWN_SECONDS = 3
_MAX_HANG_SECONDS = 5


class WorkerProcess(ForkedChild):
    """A `segments worker` process."""

    def __init__(self, folder: Path, number: int, settings: Settings) -> None:
        super().__init__(f"worker-{number}", folder)
        self._environment = {
            **os.environ,
            **store_environment(settings),
            "SEGMENTS_WEBHOOK_ALLOW_PRIVATE": str(settings.webhook_allow_private),
            "SEGMENTS_LOG_FORMAT": "json",
        }

    def start(self) -> None:
        self.run(["segments", "worker"], self._environment)

    def wait_until_ready(self) -> None:
        """Does nothing: a worker has no sign that it is ready."""

    def has_logged(self, text: str) -> bool:
        """Whether the log file of the worker contains the text."""
        assert self.log_file
        return text in self.log_file.read_text(errors="replace")


class Cluster:
    """Kills the processes and forces elections; counts both."""

    def __init__(
        self, api: Api, mongodb: Mongod | ReplicaSet, valkey: Valkey, workers: list[WorkerProcess]
    ) -> None:
        self.api = api
        # By the name of the process, and by the kind of election.
        self.kills: Counter[str] = Counter()
        self.elections: Counter[str] = Counter()
        self._mongodb = mongodb
        self._valkey = valkey
        self._workers = workers

    def term(self) -> int:
        """Returns the term of the last election."""
        return self._mongodb.term() if isinstance(self._mongodb, ReplicaSet) else 1

    async def kill_random_process(self, rng: random.Random) -> None:
        """Kills a process with SIGKILL, and restarts it within half a second.

        In a replica set it kills secondaries only: `force_election` kills the primary.
        """
        mongodb = self._mongodb
        if isinstance(mongodb, ReplicaSet):
            database: Mongod | ReplicaSetMember = rng.choice(
                await asyncio.to_thread(mongodb.secondaries)
            )
        else:
            database = mongodb
        candidates: list[Any] = [*self._workers] * 6
        process = rng.choice([*candidates, self._valkey, database])
        if process.pid is None:
            return
        kind = "worker" if process in self._workers else process.name.partition("-")[0]
        await self._kill(kind, process, rng.random() / 2)
        if isinstance(mongodb, ReplicaSet):
            await asyncio.to_thread(mongodb.wait_until_healthy)

    async def kill_worker(self, rng: random.Random) -> None:
        """Kills a worker with SIGKILL, and restarts it within half a second."""
        await self._kill("worker", rng.choice(self._workers), rng.random() / 2)

    async def kill_mongod(self, rng: random.Random) -> None:
        """Kills the only mongod with SIGKILL, and restarts it within half a second."""
        await self._kill("mongod", self._mongodb, rng.random() / 2)

    async def kill_valkey(self, rng: random.Random) -> None:
        """Kills Valkey with SIGKILL, and restarts it within half a second."""
        await self._kill("valkey", self._valkey, rng.random() / 2)

    async def flush_valkey(self) -> None:
        """Deletes all that Valkey holds: jobs that wait and jobs that run."""
        self.kills["flush"] += 1
        async with Redis.from_url(self._valkey.url) as redis:
            await redis.flushall()

    async def _kill(self, kind: str, process: Any, seconds: float) -> None:
        self.kills[kind] += 1
        await self._kill_and_restart(process, seconds)

    async def force_election(self, rng: random.Random) -> None:
        """Makes the primary step down, kills it, or pauses it, so that the others elect a new
        one."""
        mongodb = self._mongodb
        assert isinstance(mongodb, ReplicaSet)
        primary = await asyncio.to_thread(mongodb.primary)
        # Each in turn, so that a short run has all of them.
        kind = min(("step-down", "kill", "hang"), key=self.elections.__getitem__)
        self.elections[kind] += 1
        match kind:
            case "step-down":
                await asyncio.to_thread(mongodb.step_down, _STEP_DOWN_SECONDS)
            case "kill":
                await self._kill_and_restart(primary, rng.random() * 4)
            case _:
                seconds = 2 + rng.random() * (_MAX_HANG_SECONDS - 2)
                await asyncio.to_thread(primary.pause_for, seconds)
        await asyncio.to_thread(mongodb.wait_until_healthy)

    async def _kill_and_restart(self, process: Any, seconds: float) -> None:
        os.kill(process.pid, signal.SIGKILL)
        await asyncio.to_thread(process.stop)
        await asyncio.sleep(seconds)
        process.start()
        await asyncio.to_thread(process.wait_until_ready)

    def warnings(self) -> dict[str, int]:
        """Returns the most frequent recent warnings and errors of the workers, with their
        counts."""
        warning_counts: Counter[str] = Counter()
        for worker in self._workers:
            assert worker.log_file
            for line in worker.log_file.read_text(errors="replace").splitlines()[-_LOG_LINES_READ:]:
                with suppress(ValueError):
                    entry = json.loads(line)
                    if entry.get("level") in ("warning", "error", "critical"):
                        warning_counts[
                            f"{entry.get('event')} {entry.get('error', '')}".strip()
                        ] += 1
        return dict(warning_counts.most_common(10))

    async def stop_workers(self) -> None:
        """Stops all workers: timers that become due later cause no transitions."""
        for worker in self._workers:
            await asyncio.to_thread(worker.stop)

    async def restart_exited_workers(self) -> None:
        """Restarts workers that have exited because MongoDB was unreachable."""
        for worker in self._workers:
            if worker.exit_status is not None:
                worker.stop()
                worker.start()


@asynccontextmanager
async def running_cluster(
    folder: Path, workers: int, members: int, **overrides: Any
) -> AsyncIterator[Cluster]:
    """Starts all processes. `overrides` are settings of the API, and of the workers where these
    need them."""
    mongodb = ReplicaSet(folder) if members > 1 else Mongod(folder / "mongod", mongod_settings())
    valkey = Valkey(folder / "valkey")
    processes: list[ChildProcess | ReplicaSet] = [mongodb, valkey]
    try:
        mongodb.start()
        valkey.start()
        await asyncio.to_thread(mongodb.wait_until_ready)
        await asyncio.to_thread(valkey.wait_until_ready)
        async with running_api(mongodb, valkey, **overrides) as api:
            worker_processes = [
                WorkerProcess(folder / f"worker-{n}", n, api.settings) for n in range(workers)
            ]
            processes += worker_processes
            for worker in worker_processes:
                worker.start()
            yield Cluster(api, mongodb, valkey, worker_processes)
    finally:
        for process in reversed(processes):
            process.stop()
