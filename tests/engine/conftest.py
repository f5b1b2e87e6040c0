"""The program with an engine beside it in this process, once for all tests of a file."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest_asyncio

from app.local.mongod import Mongod
from app.local.valkey import Valkey
from app.services.active_filters import ActiveFilters
from app.services.engine import Engine
from app.services.waking import Bell
from app.store import Transaction
from tests.api import Api, running

Json = dict[str, Any]


@dataclass
class Shop:
    """A shop whose active segments are watched, where an engine is at work."""

    api: Api
    _task: asyncio.Task[None] | None = None

    def wake(self) -> Bell:
        """Rings whenever the log has grown."""
        engine = Engine(self.api.services.store)
        self._task = asyncio.create_task(engine.run())
        return engine.committed

    async def sleep(self) -> None:
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    @asynccontextmanager
    async def asleep(self) -> AsyncIterator[None]:
        """Meanwhile the engine does not hear of anything."""
        await self.sleep()
        yield
        self.wake()

    async def segment(self, name: str, filter_: Json) -> str:
        payload = await self.api.ask(
            "mutation($input: SegmentCreateInput!) { segmentCreate(input: $input)"
            " { segment { id } userErrors { message } } }",
            input={"name": name, "definition": {"filter": filter_}},
        )
        assert not payload["userErrors"], payload
        return str(payload["segment"]["id"])

    async def activate(self, segment_id: str) -> None:
        services = self.api.services

        async def work(transaction: Transaction) -> None:
            definitions = await services.definitions.held_still(transaction)
            active = ActiveFilters(services.store)
            await active.activate(segment_id, definitions, datetime.now(UTC), transaction)

        await services.store.transaction(work)

    async def active(self, name: str, filter_: Json) -> str:
        id_ = await self.segment(name, filter_)
        await self.activate(id_)
        return id_

    async def edit(self, segment_id: str, **changes: Any) -> None:
        payload = await self.api.ask(
            "mutation($id: ID!, $input: SegmentUpdateInput!) {"
            " segmentUpdate(id: $id, input: $input) { userErrors { message } } }",
            id=segment_id,
            input=changes,
        )
        assert not payload["userErrors"], payload

    async def delete(self, source_id: str) -> None:
        query = "mutation($id: String!) { customerDelete(customer: {sourceId: $id}) { deletedId } }"
        assert (await self.api.ask(query, id=source_id))["deletedId"]

    async def has(self, segment_id: str, number: int) -> bool:
        return len(await self.log(segment_id)) >= number

    async def log(self, segment_id: str) -> list[tuple[str, str, str]]:
        """Type, cause and customer of each of the segment's transitions."""
        found = await self.api.services.store.transitions.after(0, 10_000, segment_ids=[segment_id])
        return [
            (each.crossing.type.value, each.crossing.cause.value, each.crossing.customer_source_id)
            for each in found
        ]

    async def settled(self) -> None:
        """Returns when the engine has come past all that is committed, and due, by now."""
        place, now = await self.api.services.store.partitions.end()
        await until(lambda: self._is_past(place, now))

    async def _is_past(self, place: str, now: datetime) -> bool:
        database = self.api.database
        last = database.steps.find_one(sort=[("_id", -1)])
        waits = [{"place": {"$lt": place}}, {"at": {"$lt": now}}, {"target": {"$ne": None}}]
        behind = [*waits, {"base": {"$lt": last["_id"]}}] if last else waits
        due = {"wakesAt": {"$lte": now}}
        return not (
            database.partitions.count_documents({"$or": behind})
            or database.states.count_documents(due)
        )


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110 - there is no event in the database
            await asyncio.sleep(0.01)


@pytest_asyncio.fixture
async def alone(mongod: Mongod, valkey: Valkey) -> AsyncIterator[Shop]:
    """A shop where no engine is at work yet."""
    async with running(mongod, valkey) as api:
        shop = Shop(api)
        yield shop
        await shop.sleep()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shop(mongod: Mongod, valkey: Valkey) -> AsyncIterator[Shop]:
    async with running(mongod, valkey) as api:
        shop = Shop(api)
        shop.wake()
        yield shop
        await shop.sleep()
