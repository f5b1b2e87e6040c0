"""Ending the session that a lease names ends nothing else."""

import pytest

from app.store import Store
from app.store.sessions import session_key
from tests.api import Api

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
