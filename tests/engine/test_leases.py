"""A worker loses its leases when its process is gone, and not because it is busy."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from app.store.presence import PRESENCE_SECONDS
from tests.api import Documents
from tests.engine.busy_worker import BLOCKED, BLOCKED_SECONDS, UNBLOCKED
from tests.engine.conftest import Shop, until
from tests.engine.model.world import Worker
from tests.engine.test_transitions import is_true
from tests.engine.test_workers import is_shared

TAKEN_OVER = "another worker has taken over"


class BusyWorker(Worker):
    """A worker process whose event loop SIGUSR1 blocks."""

    def start(self) -> None:
        self.run([sys.executable, "-m", "tests.engine.busy_worker"], self._environment)

    def signal(self, number: signal.Signals) -> None:
        assert self.pid
        os.kill(self.pid, number)


@pytest_asyncio.fixture
async def two(alone: Shop, tmp_path: Path) -> AsyncIterator[list[BusyWorker]]:
    """Two workers that have shared the partitions."""
    workers = [BusyWorker(tmp_path / f"{n}", n, alone.api.settings) for n in range(2)]
    try:
        for worker in workers:
            worker.start()
        await until(lambda: is_shared(alone.api.database))
        yield workers
    finally:
        for worker in workers:
            worker.stop()


def owners(database: Documents) -> dict[int, str]:
    return {row["_id"]: row["owner"] for row in database.partitions.find()}


async def test_a_blocked_event_loop_loses_no_lease(alone: Shop, two: list[BusyWorker]) -> None:
    database = alone.api.database
    vips = await alone.active("VIPs", is_true("vip"))
    await alone.settled()
    before = owners(database)
    assert BLOCKED_SECONDS > 3 * PRESENCE_SECONDS

    two[0].signal(signal.SIGUSR1)
    await until(lambda: said(two[0], BLOCKED))
    names = [f"{number}" for number in range(40)]
    rows = [{"sourceId": name, "metadata": {"vip": True}} for name in names]
    await alone.api.many("customersUpsert", rows)
    # The other worker's customers do not wait.
    await until(lambda: alone.has(vips, 1))
    while not await said(two[0], UNBLOCKED):
        assert owners(database) == before
        await asyncio.sleep(0.1)
    await until(lambda: alone.has(vips, len(names)))

    assert owners(database) == before
    assert not await said(two[0], TAKEN_OVER)
    assert sorted(who for _, _, who in await alone.log(vips)) == sorted(names)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
async def test_a_killed_or_stopped_process_loses_its_leases(
    alone: Shop, two: list[BusyWorker], number: signal.Signals
) -> None:
    database = alone.api.database
    vips = await alone.active("VIPs", is_true("vip"))
    await alone.settled()

    two[0].signal(number)
    began = time.monotonic()
    await until(lambda: are_all_held_by_one(database))
    seconds = time.monotonic() - began
    # The rest is the poll of the other worker, and a busy machine.
    assert seconds < PRESENCE_SECONDS + 4

    await alone.api.upsert("ann", metadata={"vip": True})
    await until(lambda: alone.has(vips, 1))
    if number is signal.SIGSTOP:
        # What it was at has another owner, which it hears; then it shares again.
        two[0].signal(signal.SIGCONT)
        await until(lambda: is_shared(database))
        assert await said(two[0], TAKEN_OVER)
    await alone.api.upsert("bob", metadata={"vip": True})
    await alone.settled()
    assert [who for _, _, who in await alone.log(vips)] == ["ann", "bob"]


async def are_all_held_by_one(database: Documents) -> bool:
    return len(set(owners(database).values()) - {""}) == 1


async def said(worker: BusyWorker, text: str) -> bool:
    assert worker.log
    return text in worker.log.read_text()
