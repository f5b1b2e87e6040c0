"""A process never caches definitions that a majority has not committed."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from pydantic import SecretStr
from pymongo import MongoClient, WriteConcern
from pymongo.errors import PyMongoError

from app.domain.inputs import CustomerRef
from app.local import programs
from app.local.process import ChildProcess
from app.services import Services
from app.services.definitions import Definitions
from app.settings import Settings
from app.store import Store, Transaction
from tests.api import Json
from tests.engine.conftest import wait_until
from tests.ports import LOOPBACK, free_port

REPLICA_SET_NAME = "rs0"


class MemberWithFailpoints(ChildProcess):
    """A member of a replica set with failpoints."""

    def __init__(self, folder: Path) -> None:
        super().__init__("mongod", folder)
        self.host = ""

    def start(self) -> None:
        port = free_port()
        self.host = f"{LOOPBACK}:{port}"
        data = self.folder / "data"
        data.mkdir(parents=True)
        self.run(
            [
                *(
                    programs.find_mongod(),
                    "--dbpath",
                    str(data),
                    "--replSet",
                    REPLICA_SET_NAME,
                    "--quiet",
                ),
                *("--bind_ip", LOOPBACK, "--port", str(port), "--nounixsocket"),
                *("--oplogSize", "990", "--setParameter", "enableTestCommands=1"),
                *("--setParameter", "diagnosticDataCollectionEnabled=false"),
            ]
        )

    def client(self) -> MongoClient[Json]:
        address = f"mongodb://{self.host}/?directConnection=true"
        return MongoClient(address, serverSelectionTimeoutMS=300)

    def has_state(self, field: str) -> bool:
        try:
            with self.client() as client:
                return bool(client.admin.command("hello").get(field))
        except PyMongoError:
            return False

    def is_up(self) -> bool:
        return self.has_state("ok")

    def set_failpoint(self, point: str, mode: str) -> None:
        with self.client() as client:
            client.admin.command({"configureFailPoint": point, "mode": mode})

    def wait_for_failpoint(self, point: str) -> None:
        with self.client() as client:
            wait = {"waitForFailPoint": point, "timesEntered": 1, "maxTimeMS": 60_000}
            client.admin.command(wait)


MemberPair = tuple[MemberWithFailpoints, MemberWithFailpoints]


@pytest.fixture
def members(tmp_path: Path) -> Iterator[MemberPair]:
    """A primary and a secondary; a majority needs both."""
    pair = MemberWithFailpoints(tmp_path / "0"), MemberWithFailpoints(tmp_path / "1")
    try:
        for member in pair:
            member.start()
        for member in pair:
            member.wait_until(member.is_up)
        primary, secondary = pair
        rows = [{"_id": n, "host": m.host, "priority": 1 - n} for n, m in enumerate(pair)]
        with primary.client() as client:
            client.admin.command("replSetInitiate", {"_id": REPLICA_SET_NAME, "members": rows})
        primary.wait_until(lambda: primary.has_state("isWritablePrimary"))
        secondary.wait_until(lambda: secondary.has_state("secondary"))
        yield pair
    finally:
        for member in pair:
            member.stop(1)


class AbortTransaction(Exception):
    pass


async def test_definitions_without_a_majority_are_not_cached(members: MemberPair) -> None:
    primary, secondary = members
    url = f"mongodb://{primary.host},{secondary.host}/?replicaSet={REPLICA_SET_NAME}"
    settings = Settings(
        _env_file=None,  # type: ignore[call-arg]
        mongodb_url=SecretStr(url),
        database=f"test_{uuid4().hex}",
    )
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

        secondary.set_failpoint("stopReplProducer", "alwaysOn")
        # The failpoint takes effect on the secondary with the next write.
        client.get_database("test", write_concern=WriteConcern(1)).lag.insert_one({})
        await asyncio.to_thread(secondary.wait_for_failpoint, "stopReplProducer")
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

    secondary.set_failpoint("stopReplProducer", "off")
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
