"""A worker loses its leases when its process is killed or stopped, but not when it is busy."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from app.store.heartbeats import HEARTBEAT_TIMEOUT_SECONDS
from tests.api import Documents
from tests.engine.blockable_worker import BLOCKED, BLOCKED_SECONDS, UNBLOCKED
from tests.engine.conftest import ShopWithEngine, wait_until
from tests.engine.model.cluster import WorkerProcess
from tests.engine.test_transitions import is_true_filter
from tests.engine.test_workers import are_partitions_shared


class WorkerWithBlockableLoop(WorkerProcess):
    """A worker process whose event loop SIGUSR1 blocks."""

    def start(self) -> None:
        self.run([sys.executable, "-m", "tests.engine.blockable_worker"], self._environment)

    def signal(self, number: signal.Signals) -> None:
        assert self.pid
        os.kill(self.pid, number)


@pytest_asyncio.fixture
async def two_workers(
    shop_without_engine: ShopWithEngine, tmp_path: Path
) -> AsyncIterator[list[WorkerWithBlockableLoop]]:
    """Two workers that share the partitions."""
    workers = [
        WorkerWithBlockableLoop(tmp_path / f"{n}", n, shop_without_engine.api.settings)
        for n in range(2)
    ]
    try:
        for worker in workers:
            worker.start()
        await wait_until(lambda: are_partitions_shared(shop_without_engine.api.database))
        yield workers
    finally:
        for worker in workers:
            worker.stop()


def owners(database: Documents) -> dict[int, str]:
    return {row["_id"]: row["owner"] for row in database.partitions.find()}


async def test_a_blocked_event_loop_loses_no_lease(
    shop_without_engine: ShopWithEngine, two_workers: list[WorkerWithBlockableLoop]
) -> None:
    database = shop_without_engine.api.database
    vips = await shop_without_engine.create_active_segment("VIPs", is_true_filter("vip"))
    await shop_without_engine.wait_until_processed()
    before = owners(database)
    assert BLOCKED_SECONDS > 3 * HEARTBEAT_TIMEOUT_SECONDS

    two_workers[0].signal(signal.SIGUSR1)
    await wait_until(lambda: is_blocked(two_workers[0]))
    names = [f"{number}" for number in range(40)]
    rows = [{"sourceId": name, "metadata": {"vip": True}} for name in names]
    await shop_without_engine.api.bulk_upsert("customersUpsert", rows)
    # The other worker's customers do not wait.
    await wait_until(lambda: shop_without_engine.has_transitions(vips, 1))
    while not two_workers[0].has_logged(UNBLOCKED):
        assert owners(database) == before
        await asyncio.sleep(0.1)
    await wait_until(lambda: shop_without_engine.has_transitions(vips, len(names)))

    # Each run of the engine has an owner id of its own: the same ids mean the same runs.
    assert owners(database) == before
    assert sorted(who for _, _, who in await shop_without_engine.list_transitions(vips)) == sorted(
        names
    )


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
async def test_a_killed_or_stopped_process_loses_its_leases(
    shop_without_engine: ShopWithEngine,
    two_workers: list[WorkerWithBlockableLoop],
    number: signal.Signals,
) -> None:
    database = shop_without_engine.api.database
    vips = await shop_without_engine.create_active_segment("VIPs", is_true_filter("vip"))
    await shop_without_engine.wait_until_processed()

    two_workers[0].signal(number)
    began = time.monotonic()
    await wait_until(lambda: are_all_owned_by_one(database))
    seconds = time.monotonic() - began
    # The other worker polls for free partitions; the rest is for a busy machine.
    assert seconds < HEARTBEAT_TIMEOUT_SECONDS + 4

    await shop_without_engine.api.upsert("ann", metadata={"vip": True})
    await wait_until(lambda: shop_without_engine.has_transitions(vips, 1))
    if number is signal.SIGSTOP:
        # The worker learns that it has lost its leases, and acquires a share again.
        two_workers[0].signal(signal.SIGCONT)
        await wait_until(lambda: are_partitions_shared(database))
    await shop_without_engine.api.upsert("bob", metadata={"vip": True})
    await shop_without_engine.wait_until_processed()
    assert [who for _, _, who in await shop_without_engine.list_transitions(vips)] == ["ann", "bob"]


async def is_blocked(worker: WorkerWithBlockableLoop) -> bool:
    return worker.has_logged(BLOCKED)


async def are_all_owned_by_one(database: Documents) -> bool:
    return len(set(owners(database).values()) - {""}) == 1
