"""What is to be seen of the engine where MongoDB lets little be seen, or nothing."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from app.errors import Unusable
from app.local.mongod import Mongod
from app.local.valkey import Valkey
from app.settings import Settings
from tests.api import running
from tests.engine.conftest import Shop, until
from tests.engine.test_status import metrics, seen, write
from tests.engine.test_transitions import is_true
from tests.parts import standing


class Guarded(Mongod):
    """A mongod that asks who one is, once it has been told whom to let in."""

    user = ""
    options: Sequence[str] = ()

    @property
    def url(self) -> str:
        return super().url.replace("//", f"//{self.user}@").replace("//@", "//")

    def run(self, command: Any, environment: Any = None) -> None:
        key = self.folder / "key"
        key.write_text("a secret of its members")
        key.chmod(0o600)
        asks = ["--auth", "--keyFile", str(key)] if self.user else []
        super().run([*command, *asks, *self.options], environment)

    def guard(self) -> None:
        """From now on it lets in one who may do all in the shop's database, and in no other that
        MongoDB keeps for itself."""
        roles = ["readWriteAnyDatabase", "dbAdminAnyDatabase"]
        with MongoClient[Any](self.url) as client:
            client.admin.command("createUser", "ada", pwd="love", roles=roles)
        self.stop()
        self.user = "ada:love"
        self.start()
        self.wait_until(self._lets_in)

    def _lets_in(self) -> bool:
        try:
            with MongoClient[Any](self.url, serverSelectionTimeoutMS=300) as client:
                return bool(client.admin.command("hello")["isWritablePrimary"])
        except PyMongoError:
            return False


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Guarded]:
    """A mongod of the test's own."""
    settings = Settings(_env_file=None, oplog_mib=990)  # type: ignore[call-arg]
    part = Guarded(tmp_path / "mongod", settings)
    part.folder.mkdir()
    with standing(part):
        yield part


@asynccontextmanager
async def shop_on(mongod: Mongod, valkey: Valkey) -> AsyncIterator[Shop]:
    async with running(mongod, valkey) as api:
        shop = Shop(api)
        try:
            yield shop
        finally:
            await shop.sleep()


async def test_who_may_not_read_the_oplog_sees_the_rest(own: Guarded, valkey: Valkey) -> None:
    own.guard()
    async with shop_on(own, valkey) as shop:
        await shop.active("VIPs", is_true("vip"))
        written = await write(shop)
        status = await seen(shop)
        unseen = ("lagChanges", "oplogSeconds", "imagesSeconds", "historySeconds")
        assert [status[name] for name in unseen] == [None] * 4
        assert (status["lagSeconds"] > 0, status["activeSegments"]) == (True, 1)

        shop.wake()

        async def is_told() -> bool:
            return [worker["changes"] for worker in (await seen(shop))["workers"]] == [written]

        await until(is_told)
        samples = await metrics(shop)
        assert samples["segments_engine_up"] == [({}, 1)]
        assert "segments_engine_lag_seconds" in samples
        assert "segments_engine_lag_changes" not in samples
        assert "segments_engine_history_seconds" not in samples


async def test_who_has_no_keys_yet_is_waited_for(
    own: Guarded, valkey: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_keys = "failpoint.disableKeyGeneration={'mode': 'alwaysOn'}"
    own.options = ["--setParameter", "enableTestCommands=1", "--setParameter", without_keys]
    with MongoClient[Any](own.url) as client:
        client.admin.command("createUser", "root", pwd="root", roles=["root"])
        client.admin["system.keys"].delete_many({})
    own.guard()

    async def open_and_close() -> None:
        async with shop_on(own, valkey):
            pass

    with MongoClient[Any](own.url) as client:
        assert "operationTime" not in client.admin.command("hello")
    with monkeypatch.context() as hurried:
        hurried.setattr("app.store.partitions._KEYS_SECONDS", 0.2)
        with pytest.raises(Unusable, match="does not tell its time"):
            await open_and_close()
    opening = asyncio.create_task(open_and_close())
    done, _ = await asyncio.wait({opening}, timeout=1)
    assert not done
    with MongoClient[Any](own.url.replace("ada:love", "root:root")) as client:
        client.admin.command("configureFailPoint", "disableKeyGeneration", mode="off")
    await opening


async def test_mongodb_is_lost_and_comes_back(own: Guarded, valkey: Valkey) -> None:
    async with shop_on(own, valkey) as shop:
        segment = await shop.active("VIPs", is_true("vip"))
        shop.wake()
        await shop.api.upsert("before", metadata={"vip": True})
        await until(lambda: shop.has(segment, 1))
        assert (await metrics(shop))["segments_engine_up"] == [({}, 1)]
        assert own.pid
        os.kill(own.pid, signal.SIGKILL)
        await asyncio.to_thread(own.stop)

        began = time.monotonic()
        samples = await metrics(shop)
        assert time.monotonic() - began < 4
        assert samples["segments_engine_up"] == [({}, 0)]
        assert {name for name in samples if name.startswith("segments_engine")} == {
            "segments_engine_up"
        }
        assert samples["process_resident_memory_bytes"][0][1] > 0

        own.start()
        await asyncio.to_thread(own.ready)
        await shop.api.upsert("after", metadata={"vip": True})
        await until(lambda: shop.has(segment, 2))

        async def is_told() -> bool:
            return [worker["transitions"] for worker in (await seen(shop))["workers"]] == [2]

        await until(is_told)
        status = await seen(shop)
        assert status["lastError"]["message"].startswith(f"MongoDB: {own.socket.path}:")
        (worker,) = status["workers"]
        # It is the same as before, which has gone on.
        assert worker["errors"] > 0
        assert worker["lastError"]["message"] == status["lastError"]["message"]
        assert (await metrics(shop))["segments_engine_up"] == [({}, 1)]
