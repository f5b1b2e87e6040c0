"""A full disk ends mongod, which `up` restarts. Once there is room again, everything goes on by
itself, and nothing that was accepted is lost."""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from app.local.mongod import Mongod
from app.local.supervisor import start_all, stop_all, supervise
from app.local.valkey import Valkey
from tests.api import ALL_CUSTOMERS_FILTER, Api, running_api
from tests.engine.conftest import ShopWithEngine, wait_until
from tests.local_processes import mongod_settings

DISK = "600m"
CHUNK = b"x" * 1024 * 1024
MAX_SECONDS = 90
UPSERT = (
    "mutation($id: String!) { customerUpsert(input: {sourceId: $id})"
    " { customer { id } userErrors { code } } }"
)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(tmp_path)]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("needs the right to mount a file system")
    yield tmp_path
    subprocess.run(["umount", "--lazy", str(tmp_path)], check=True)


@asynccontextmanager
async def supervised(mongod: Mongod, printed: list[str]) -> AsyncIterator[None]:
    await start_all([mongod])
    task = asyncio.create_task(supervise(mongod, printed.append))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})
        await stop_all([mongod], 5)


class Writer:
    """Writes customers one after the other, and remembers the accepted ones."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self.accepted: list[str] = []
        self.is_stopped = False

    async def run(self) -> None:
        number = 0
        while not self.is_stopped:
            number += 1
            answer = await self._api.execute(UPSERT, id=f"customer-{number}")
            if "errors" in answer:
                assert answer["errors"][0]["extensions"]["code"] == "TIMEOUT", answer
            else:
                self.accepted.append(f"customer-{number}")
            await asyncio.sleep(0.05)

    async def wait_for_more(self, count: int) -> None:
        target = len(self.accepted) + count

        async def has_more() -> bool:
            return len(self.accepted) >= target

        await wait_until(has_more, MAX_SECONDS)


async def test_everything_goes_on_once_there_is_room_again(
    small_disk: Path, valkey: Valkey
) -> None:
    mongod, printed = Mongod(small_disk / "mongod", mongod_settings()), list[str]()

    async def has_restarted_in_vain() -> bool:
        return sum("restarting it in" in line for line in printed) > 1

    async def runs_again() -> bool:
        return "mongod runs again" in printed

    async with supervised(mongod, printed), running_api(mongod, valkey) as api:
        shop = ShopWithEngine(api)
        segment_id = await shop.create_active_segment("All", ALL_CUSTOMERS_FILTER)
        shop.start_engine()
        await shop.wait_until_processed()
        writer = Writer(api)
        writing = asyncio.create_task(writer.run())
        await writer.wait_for_more(10)

        await asyncio.to_thread(write_until_full, mongod.url, small_disk / "filler")
        await wait_until(has_restarted_in_vain, MAX_SECONDS)
        (small_disk / "filler").unlink()
        await wait_until(runs_again, MAX_SECONDS)
        await writer.wait_for_more(10)
        writer.is_stopped = True
        await writing
        await shop.wait_until_processed()

        stored = set(api.database.customers.distinct("sourceId"))
        assert set(writer.accepted) <= stored
        entered = [customer for *_, customer in await shop.list_transitions(segment_id)]
        assert sorted(entered) == sorted(stored)
        await shop.stop_engine()


def write_until_full(mongodb_url: str, filler: Path) -> None:
    """Fills the disk, and then the space that MongoDB has reserved for its journal."""
    with MongoClient[dict[str, object]](mongodb_url, serverSelectionTimeoutMS=1_000) as client:
        rows = client["other"]["rows"]
        rows.insert_one({})
        fill(filler)
        with suppress(PyMongoError):
            while True:
                rows.insert_one({"text": CHUNK})


def fill(file: Path) -> None:
    with file.open("wb", buffering=0) as filler, suppress(OSError):
        while True:
            filler.write(CHUNK)
