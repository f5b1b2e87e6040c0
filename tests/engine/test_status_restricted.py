"""The status of the engine when MongoDB restricts what a user may read, or is unreachable."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from app.errors import SetupError
from app.local.mongod import Mongod
from app.local.valkey import Valkey
from tests.api import running_api
from tests.engine.conftest import ShopWithEngine, wait_until
from tests.engine.test_metrics import fetch_metrics
from tests.engine.test_status import fetch_status, write_changes
from tests.engine.test_transitions import is_true_filter
from tests.local_processes import running_mongod
from tests.mongod_with_authentication import MongodWithAuthentication

# Without privileges on `local` and `admin`.
_ROLES = ["readWriteAnyDatabase", "dbAdminAnyDatabase"]


@pytest.fixture
def own_mongod(tmp_path: Path) -> Iterator[MongodWithAuthentication]:
    with running_mongod(tmp_path / "mongod", MongodWithAuthentication) as mongod:
        yield mongod


@asynccontextmanager
async def running_shop(mongod: Mongod, valkey: Valkey) -> AsyncIterator[ShopWithEngine]:
    async with running_api(mongod, valkey) as api:
        shop = ShopWithEngine(api)
        try:
            yield shop
        finally:
            await shop.stop_engine()


async def test_without_the_right_to_read_the_oplog_the_status_has_the_rest(
    own_mongod: MongodWithAuthentication, valkey: Valkey
) -> None:
    own_mongod.enable_authentication(_ROLES)
    async with running_shop(own_mongod, valkey) as shop:
        await shop.create_active_segment("VIPs", is_true_filter("vip"))
        written = await write_changes(shop)
        status = await fetch_status(shop)
        unseen = ("lagChanges", "oplogSeconds", "imageRetentionSeconds", "historyWindowSeconds")
        assert [status[name] for name in unseen] == [None] * 4
        assert (status["lagSeconds"] > 0, status["activeSegments"]) == (True, 1)

        shop.start_engine()

        async def is_told() -> bool:
            return [worker["changes"] for worker in (await fetch_status(shop))["workers"]] == [
                written
            ]

        await wait_until(is_told)
        samples = await fetch_metrics(shop)
        assert samples["segments_engine_up"] == [({}, 1)]
        assert "segments_engine_lag_seconds" in samples
        assert "segments_engine_lag_changes" not in samples
        assert "segments_engine_history_window_seconds" not in samples


async def test_the_status_waits_for_missing_signing_keys(
    own_mongod: MongodWithAuthentication, valkey: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_keys = "failpoint.disableKeyGeneration={'mode': 'alwaysOn'}"
    own_mongod.options = ["--setParameter", "enableTestCommands=1", "--setParameter", without_keys]
    with MongoClient[Any](own_mongod.url) as client:
        client.admin.command("createUser", "root", pwd="root", roles=["root"])
        client.admin["system.keys"].delete_many({})
    own_mongod.enable_authentication(_ROLES)

    async def open_and_close() -> None:
        async with running_shop(own_mongod, valkey):
            pass

    with MongoClient[Any](own_mongod.url) as client:
        assert "operationTime" not in client.admin.command("hello")
    with monkeypatch.context() as hurried:
        hurried.setattr("app.store.clock._SIGNING_KEYS_TIMEOUT_SECONDS", 0.2)
        with pytest.raises(SetupError, match="returns no cluster time"):
            await open_and_close()
    opening = asyncio.create_task(open_and_close())
    done, _ = await asyncio.wait({opening}, timeout=1)
    assert not done
    with MongoClient[Any](own_mongod.url.replace("ada:love", "root:root")) as client:
        client.admin.command("configureFailPoint", "disableKeyGeneration", mode="off")
    await opening


async def test_mongodb_is_unreachable_and_comes_back(
    own_mongod: MongodWithAuthentication, valkey: Valkey
) -> None:
    async with running_shop(own_mongod, valkey) as shop:
        segment = await shop.create_active_segment("VIPs", is_true_filter("vip"))
        shop.start_engine()
        await shop.api.upsert("before", metadata={"vip": True})
        await wait_until(lambda: shop.has_transitions(segment, 1))
        assert (await fetch_metrics(shop))["segments_engine_up"] == [({}, 1)]
        assert own_mongod.pid
        os.kill(own_mongod.pid, signal.SIGKILL)
        await asyncio.to_thread(own_mongod.stop)

        began = time.monotonic()
        samples = await fetch_metrics(shop)
        assert time.monotonic() - began < 4
        assert samples["segments_engine_up"] == [({}, 0)]
        assert {name for name in samples if name.startswith("segments_engine")} == {
            "segments_engine_up"
        }
        assert samples["process_resident_memory_bytes"][0][1] > 0

        own_mongod.start()
        await asyncio.to_thread(own_mongod.wait_until_ready)
        await shop.api.upsert("after", metadata={"vip": True})
        await wait_until(lambda: shop.has_transitions(segment, 2))

        async def is_told() -> bool:
            return [worker["transitions"] for worker in (await fetch_status(shop))["workers"]] == [
                2
            ]

        await wait_until(is_told)
        status = await fetch_status(shop)
        # The driver loses a connection or finds no server; both name the one that is gone.
        assert status["lastError"]["message"].startswith("MongoDB: ")
        assert str(own_mongod.socket.path) in status["lastError"]["message"]
        (worker,) = status["workers"]
        # It is the same as before, which has gone on.
        assert worker["errors"] > 0
        assert worker["lastError"]["message"] == status["lastError"]["message"]
        assert (await fetch_metrics(shop))["segments_engine_up"] == [({}, 1)]
