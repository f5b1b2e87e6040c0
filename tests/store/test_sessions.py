"""Ending the session of one operation, or the operations of a session, ends nothing else; and
closing a store ends its sessions, if it can."""

import asyncio
from typing import Any

import pytest
from pydantic import SecretStr

from app.local.mongod import Mongod
from app.settings import Settings
from app.store import Store, Transaction
from app.store.sessions import session_key
from tests.api import Api
from tests.failpoints import failing_commands
from tests.patience import until

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_session_that_a_lease_named_is_used_for_nothing_else(api: Api) -> None:
    store = await Store.open(api.settings)
    try:
        position, _ = await store.clock.position_and_time()
        async with store.session() as session:
            key = session_key(session)
        stream = await store.open_change_stream(position, [0], [], "worker")
        # As a worker does that takes over a lease which still names the session.
        api.database.command({"killSessions": [{"id": key}]})
        assert await stream.read() == []
        await stream.close()
    finally:
        await store.close()


async def test_the_end_of_a_cancelled_snapshot_read_ends_nothing_else(api: Api) -> None:
    """The driver's thread still uses the session when the read has been cancelled."""
    store = await Store.open(api.settings)

    async def read(session: Transaction) -> Any:
        return await store._database.cancelled.find_one(session=session)

    try:
        await store.ping()
        with failing_commands(
            api.database, "find", mode={"times": 2}, blockConnection=True, blockTimeMS=1_000
        ):
            reading = asyncio.create_task(store.read_snapshot(read))
            await until(lambda: is_running(api, "cancelled"))
            reading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reading
            assert await store._database.others.find_one() is None
    finally:
        await store.close()


def is_running(api: Api, text: str) -> bool:
    """Whether MongoDB runs a command of the program that has this text."""
    operations = api.database.client.admin.aggregate(
        [{"$currentOp": {}}, {"$match": {"appName": "customer-segments"}}]
    )
    return any(text in str(operation.get("command")) for operation in operations)


async def test_closing_does_not_wait_for_a_database_that_is_gone(
    own_mongod: Mongod, settings: Settings
) -> None:
    url = SecretStr(own_mongod.url)
    store = await Store.open(settings.model_copy(update={"mongodb_url": url}))
    own_mongod.stop(timeout_seconds=0)
    async with asyncio.timeout(10):
        await store.close()
