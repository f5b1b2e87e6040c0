"""A process never caches definitions that a majority has not committed."""

import asyncio
from typing import Any

import pytest

from app.domain.inputs import CustomerRef
from app.services import Services
from app.services.definitions import Definitions
from app.store import Store, Transaction
from tests.engine.conftest import wait_until
from tests.services.member_pair import MemberPair, resume_replication, settings_of, stop_replication


class AbortTransaction(Exception):
    pass


async def test_definitions_without_a_majority_are_not_cached(members: MemberPair) -> None:
    primary, _ = members
    settings = settings_of(members)
    store = await Store.open(settings)
    editor, follower = Services(store, settings), Services(store, settings)
    segment = await editor.segments.create(
        {"name": "Level", "definition": {"filter": _level(1)}}, editor.now()
    )
    await editor.customers.upsert({"sourceId": "one", "metadata": {"level": 1}}, editor.now().at)
    before = await follower.definitions.latest()

    async def is_two_in_the_primary() -> bool:
        with primary.client() as client:
            customers = client[settings.database].customers
            return customers.find_one({"sourceId": "two"}) is not None

    async def is_member() -> bool:
        ref = CustomerRef.by_source_id("one")
        (membership,) = await follower.memberships.evaluate(ref, [segment.id], None, follower.now())
        return membership.is_member

    with primary.client() as client:

        async def is_in_the_primary() -> bool:
            fence = client[settings.database].counters.find_one({"_id": "definitions"})
            return fence is not None and fence["revision"] > before.revision

        await asyncio.to_thread(stop_replication, members)
        change = {"filter": _level(2)}
        editing = asyncio.create_task(editor.segments.update(segment.id, change, editor.now()))
        await wait_until(is_in_the_primary)

    assert await follower.definitions.latest() is before
    assert await is_member()
    held = await definitions_in_transaction(follower)
    assert held.segments[segment.id].filter == _level(2)
    assert await follower.definitions.latest() is before
    # A write that has seen the change delays no read.
    writing = asyncio.create_task(
        follower.customers.upsert({"sourceId": "two", "metadata": {"level": 2}}, follower.now().at)
    )
    await wait_until(is_two_in_the_primary)
    assert await is_member()
    assert await follower.definitions.latest() is before
    assert not editing.done()

    resume_replication(members)
    await asyncio.gather(editing, writing)
    after = await follower.definitions.latest()
    assert after.segments[segment.id].filter == _level(2)
    assert not await is_member()
    await store.close()


async def definitions_in_transaction(services: Services) -> Definitions:
    """Returns the definitions that a transaction reads, and aborts it."""
    definitions_read: list[Definitions] = []

    async def abort_after_reading(transaction: Transaction) -> None:
        definitions_read.append(await services.definitions.lock(transaction))
        raise AbortTransaction

    with pytest.raises(AbortTransaction):
        await services.store.transaction(abort_after_reading)
    return definitions_read[0]


def _level(value: int) -> dict[str, Any]:
    return {"attribute": {"path": "metadata.level", "operator": "IS", "value": value}}
