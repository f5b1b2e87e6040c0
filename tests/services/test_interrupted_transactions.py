"""A transaction whose session another process ends is committed once, or runs again."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from app.services import log_boundary
from app.services.log_boundary import run_with_deadline
from app.store import Store, Transaction
from tests.engine.conftest import wait_until
from tests.services.member_pair import MemberPair, resume_replication, settings_of, stop_replication


@pytest_asyncio.fixture
async def store(members: MemberPair) -> AsyncIterator[Store]:
    store = await Store.open(settings_of(members))
    yield store
    await store.close()


async def test_a_commit_that_waits_for_a_majority_beyond_its_deadline(
    members: MemberPair,
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The worker that ends the session must not make a committed change look like a failed one."""
    monkeypatch.setattr(log_boundary, "TRANSACTION_DEADLINE_SECONDS", 0)
    primary, _ = members
    run_count = 0

    async def work(transaction: Transaction) -> int:
        nonlocal run_count
        run_count += 1
        await asyncio.to_thread(stop_replication, members)
        await store._database.rows.insert_one({"_id": run_count}, session=transaction)
        return run_count

    async def is_in_the_primary() -> bool:
        with primary.client() as client:
            return client[store._database.name].rows.find_one() is not None

    writing = asyncio.create_task(run_with_deadline(store, work))
    await wait_until(is_in_the_primary)
    ending = asyncio.create_task(store.transaction_deadlines.enforce())
    with primary.client() as client:

        async def is_ended() -> bool:
            commands = client.admin.command("serverStatus")["metrics"]["commands"]
            return int(commands["killSessions"]["total"]) > 0

        await wait_until(is_ended)
    resume_replication(members)

    assert await writing == 1
    assert await ending == 1
    assert [row["_id"] async for row in store._database.rows.find()] == [1]
