"""Workers write exports as processes: killed, canceled, without their queue, many at once."""

import asyncio
import os
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
import pytest_asyncio
from redis import Redis

from app.local.mongod import Mongod
from app.local.valkey import Valkey
from tests.api import running_api
from tests.engine.conftest import wait_until
from tests.exports.export_shop import ExportShop
from tests.exports.export_worker_process import ExportWorkerProcess, kill
from tests.patience import PATIENCE_SECONDS

# Long enough to be killed in between.
_CUSTOMERS = int(os.environ.get("EXPORT_CUSTOMERS", "60000"))
_FIELDS = ["id", "sourceId", "metadata.number", "metadata", "createdAt", "updatedAt"]
# The worker and mongod in turn. More by hand: EXPORT_KILLS=10 EXPORT_CUSTOMERS=300000.
_KILLS = int(os.environ.get("EXPORT_KILLS", "4"))


@pytest_asyncio.fixture
async def busy_shop(
    own_mongod: Mongod, valkey: Valkey, redis_client: Redis
) -> AsyncIterator[ExportShop]:
    """A shop with many customers, whose mongod a test may kill."""
    redis_client.flushall()
    async with running_api(own_mongod, valkey) as api:
        shop = ExportShop(api)
        await asyncio.to_thread(shop.insert_customers, _CUSTOMERS, text="x" * 100)
        yield shop


@pytest.fixture
def worker(busy_shop: ExportShop, tmp_path: Path) -> Iterator[ExportWorkerProcess]:
    """A worker that is not started."""
    with ExitStack() as exit_stack:
        worker = ExportWorkerProcess(tmp_path, busy_shop.api.settings)
        exit_stack.callback(worker.stop)
        yield worker


async def wait_for_rows(
    shop: ExportShop, id_: str, more_than: int, seconds: float = PATIENCE_SECONDS
) -> None:
    """Waits until the export has advanced or has ended."""

    async def has_advanced() -> bool:
        export = await shop.fetch(id_)
        return export["rowsDone"] > more_than or export["finishedAt"] is not None

    await wait_until(has_advanced, seconds)


async def wait_for_end(shop: ExportShop, id_: str, seconds: float = PATIENCE_SECONDS) -> Any:
    async def has_ended() -> bool:
        return (await shop.fetch(id_))["finishedAt"] is not None

    await wait_until(has_ended, seconds)
    return await shop.fetch(id_)


@pytest.mark.timeout(60 + 60 * _KILLS)
async def test_a_killed_export_is_byte_for_byte_that_of_a_quiet_run(
    busy_shop: ExportShop, worker: ExportWorkerProcess, own_mongod: Mongod
) -> None:
    rng = random.Random(15)
    shop = busy_shop
    segment_id = await shop.create_segment("everyone")
    id_ = await shop.start(segment_id, fields=_FIELDS)
    worker.start()
    starts = []
    for number in range(_KILLS):
        starts.append((await shop.fetch(id_))["rowsDone"])
        await wait_for_rows(shop, id_, starts[-1])
        await asyncio.sleep(rng.random() / 4)
        if number % 2 == 0:
            await asyncio.to_thread(kill, worker)
            worker.start()
        else:
            await asyncio.to_thread(kill, own_mongod)
            own_mongod.start()
            await asyncio.to_thread(own_mongod.wait_until_ready)
            if worker.exit_status is not None:
                worker.stop()
                worker.start()
        if (await shop.fetch(id_))["finishedAt"]:
            break

    done = await wait_for_end(shop, id_)
    assert (done["status"], done["rowsDone"]) == ("DONE", _CUSTOMERS)
    assert starts == sorted(set(starts)), "an export began again"
    assert len(starts) > 1
    quiet_id = await shop.start(segment_id, fields=_FIELDS)
    await wait_for_end(shop, quiet_id)
    assert shop.read_file(id_) == shop.read_file(quiet_id)
    assert shop.count_chunks(id_) == shop.count_chunks(quiet_id)


async def test_canceling_stops_the_worker_within_a_second(
    busy_shop: ExportShop, worker: ExportWorkerProcess
) -> None:
    shop = busy_shop
    id_ = await shop.start(await shop.create_segment("everyone"), fields=_FIELDS)
    worker.start()
    await wait_for_rows(shop, id_, 0)

    started_at = monotonic()
    canceled = (await shop.cancel(id_))["export"]
    assert monotonic() - started_at < 1
    assert canceled["status"] == "CANCELED"

    async def is_swept() -> bool:
        return shop.count_chunks(id_) == 0

    await wait_until(is_swept, 30)
    assert (await shop.fetch(id_))["rowsDone"] == canceled["rowsDone"]
    # The worker is free for the next one.
    other_id = await shop.start(await shop.create_segment("others"), fields=["sourceId"])
    assert (await wait_for_end(shop, other_id))["status"] == "DONE"


async def test_a_lost_queue_delays_an_export_only(
    busy_shop: ExportShop, worker: ExportWorkerProcess, redis_client: Redis
) -> None:
    shop = busy_shop
    id_ = await shop.start(await shop.create_segment("everyone"), fields=["sourceId"])
    redis_client.flushall()
    worker.start()
    await wait_for_rows(shop, id_, 0)
    redis_client.flushall()

    assert (await wait_for_end(shop, id_))["status"] == "DONE"


async def test_twenty_at_once_each_advance(
    busy_shop: ExportShop, worker: ExportWorkerProcess
) -> None:
    shop = busy_shop
    segment_id = await shop.create_segment("everyone")
    ids = [await shop.start(segment_id, fields=["sourceId"]) for _ in range(20)]
    worker.start()

    for id_ in ids:
        await wait_for_rows(shop, id_, 0, 100)
