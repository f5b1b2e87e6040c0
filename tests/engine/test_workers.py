"""Several workers at one shop."""

import os
import signal
import time
from pathlib import Path

from tests.engine.conftest import Shop, until
from tests.engine.model.world import Worker
from tests.engine.test_transitions import is_true

# Enough for every partition to have some.
_CUSTOMERS = 80


async def test_they_share_and_one_takes_over_what_another_held(alone: Shop, tmp_path: Path) -> None:
    database = alone.api.database
    workers = [Worker(tmp_path / f"{n}", n, alone.api.settings) for n in range(2)]
    segment = await alone.active("VIPs", is_true("vip"))

    async def is_shared() -> bool:
        owners = list(database.partitions.aggregate([{"$sortByCount": "$owner"}]))
        return [row["count"] for row in owners] == [8, 8] and "" not in {o["_id"] for o in owners}

    async def enter(who: str) -> None:
        rows = [
            {"sourceId": f"{who} {number}", "metadata": {"vip": True}}
            for number in range(_CUSTOMERS)
        ]
        await alone.api.many("customersUpsert", rows)

    try:
        for worker in workers:
            worker.start()
        await until(is_shared)
        await enter("both")
        await until(lambda: alone.has(segment, _CUSTOMERS))
        pid = workers[0].pid
        assert pid
        os.kill(pid, signal.SIGKILL)
        began = time.monotonic()
        await enter("one")
        await until(lambda: alone.has(segment, 2 * _CUSTOMERS))
        print(f"taken over after {time.monotonic() - began:.1f} s")
    finally:
        for worker in workers:
            worker.stop()

    log = await alone.log(segment)
    assert len(log) == len(set(log)) == 2 * _CUSTOMERS
