"""What is cancelled in the midst of a transaction is done whole or not at all, too."""

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from pydantic import SecretStr
from pymongo import MongoClient

from app.local.mongod import Mongod
from app.settings import Settings
from app.store import Store, Transaction
from tests.parts import standing

# So long a thread that was left behind may take to find a mongod that is back.
_FOUND_SECONDS = 3


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Mongod]:
    """A mongod of the test's own."""
    settings = Settings(_env_file=None, oplog_mib=990)  # type: ignore[call-arg]
    with standing(Mongod(tmp_path / "mongod", settings)) as part:
        yield part


async def test_a_thread_that_waits_for_mongod_writes_nothing_by_itself(own: Mongod) -> None:
    settings = Settings(
        _env_file=None,  # type: ignore[call-arg]
        mongodb_url=SecretStr(own.url),
        database=f"test_{uuid4().hex}",
    )
    store = await Store.open(settings)
    began = asyncio.Event()

    async def work(transaction: Transaction) -> None:
        began.set()
        for name in ("first", "second"):
            await store.fence(name, transaction)

    async with store.session() as session:
        assert own.pid
        os.kill(own.pid, signal.SIGKILL)
        await asyncio.to_thread(own.stop)
        waiting = asyncio.create_task(store.transaction(work, session))
        await began.wait()
        # The thread has now begun with the first of them.
        await asyncio.sleep(0)
        waiting.cancel()
        own.start()
        await asyncio.to_thread(own.ready)
        with pytest.raises(asyncio.CancelledError):
            await waiting
        number = await _number(own, settings.database)
    await store.close()

    assert number in (0, 2)


async def _number(mongod: Mongod, database: str) -> int:
    """How many have been written, once that is clear."""
    clock = asyncio.get_running_loop().time
    ends, number = clock() + _FOUND_SECONDS, 0
    with MongoClient[dict[str, object]](mongod.url) as client:
        both = {"_id": {"$in": ["first", "second"]}}
        while number == 0 and clock() < ends:
            await asyncio.sleep(0.05)
            number = await asyncio.to_thread(client[database].fences.count_documents, both)
    return number
