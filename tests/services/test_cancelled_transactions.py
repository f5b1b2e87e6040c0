"""A transaction whose task is cancelled commits as a whole or not at all."""

import asyncio
import os
import signal
from uuid import uuid4

import pytest
from pydantic import SecretStr
from pymongo import MongoClient

from app.local.mongod import Mongod
from app.settings import Settings
from app.store import Store, Transaction

# An abandoned thread may take this long to reach a restarted mongod.
MAX_WAIT_SECONDS = 3


async def test_a_thread_that_waits_for_mongod_writes_nothing_by_itself(own_mongod: Mongod) -> None:
    settings = Settings(
        _env_file=None,  # type: ignore[call-arg]
        mongodb_url=SecretStr(own_mongod.url),
        database=f"test_{uuid4().hex}",
    )
    store = await Store.open(settings)
    began = asyncio.Event()

    async def work(transaction: Transaction) -> None:
        began.set()
        for name in ("first", "second"):
            await store.increment_revision(name, transaction)

    async with store.session() as session:
        assert own_mongod.pid
        os.kill(own_mongod.pid, signal.SIGKILL)
        await asyncio.to_thread(own_mongod.stop)
        waiting = asyncio.create_task(store.transaction(work, session))
        await began.wait()
        # The thread has started the first write by now.
        await asyncio.sleep(0)
        waiting.cancel()
        own_mongod.start()
        await asyncio.to_thread(own_mongod.wait_until_ready)
        with pytest.raises(asyncio.CancelledError):
            await waiting
        number = await count_written(own_mongod, settings.database)
    await store.close()

    assert number in (0, 2)


async def count_written(mongod: Mongod, database: str) -> int:
    """Returns how many of the two rows are stored, after the time that a thread may take."""
    clock = asyncio.get_running_loop().time
    deadline, number = clock() + MAX_WAIT_SECONDS, 0
    with MongoClient[dict[str, object]](mongod.url) as client:
        both_ids = {"_id": {"$in": ["first", "second"]}}
        while number == 0 and clock() < deadline:
            await asyncio.sleep(0.05)
            number = await asyncio.to_thread(client[database].counters.count_documents, both_ids)
    return number
