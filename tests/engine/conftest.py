"""The program and an engine in this process, once for all tests of a file."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest_asyncio

from app.domain.uses import Use, UseKind
from app.local.mongod import Mongod
from app.local.valkey import Valkey
from app.services.active_filters import ActiveFilters
from app.services.engine import Engine
from app.services.polling import Signal
from app.store import Transaction
from tests.api import Api, running_api
from tests.patience import PATIENCE_SECONDS

Json = dict[str, Any]


@dataclass
class ShopWithEngine:
    """The API and an engine in this process; creates active segments and reads their
    transitions."""

    api: Api
    _engine_task: asyncio.Task[None] | None = None

    def start_engine(self) -> Signal:
        """Starts the engine; returns the signal that it sends after each commit of transitions."""
        engine = Engine(self.api.services.store)
        self._engine_task = asyncio.create_task(engine.run())
        return engine.transitions_committed

    async def stop_engine(self) -> None:
        if self._engine_task:
            self._engine_task.cancel()
            await asyncio.gather(self._engine_task, return_exceptions=True)

    @asynccontextmanager
    async def engine_stopped(self) -> AsyncIterator[None]:
        """Stops the engine while the context is open, and starts it again."""
        await self.stop_engine()
        yield
        self.start_engine()

    async def create_segment(self, name: str, filter_: Json) -> str:
        payload = await self.api.fetch(
            "mutation($input: SegmentCreateInput!) { segmentCreate(input: $input)"
            " { segment { id } userErrors { message } } }",
            input={"name": name, "definition": {"filter": filter_}},
        )
        assert not payload["userErrors"], payload
        return str(payload["segment"]["id"])

    async def activate(self, segment_id: str) -> None:
        services = self.api.services

        async def activate_in_transaction(transaction: Transaction) -> None:
            definitions = await services.definitions.lock(transaction)
            active = ActiveFilters(services.store)
            use = Use(UseKind.DISTRIBUTION, "dst_000000000000000000000000", "a use", segment_id)
            await active.activate(segment_id, definitions, datetime.now(UTC), transaction, use=use)

        await services.store.transaction(activate_in_transaction)

    async def create_active_segment(self, name: str, filter_: Json) -> str:
        id_ = await self.create_segment(name, filter_)
        await self.activate(id_)
        return id_

    async def edit_segment(self, segment_id: str, **changes: Any) -> None:
        payload = await self.api.fetch(
            "mutation($id: ID!, $input: SegmentUpdateInput!) {"
            " segmentUpdate(id: $id, input: $input) { userErrors { message } } }",
            id=segment_id,
            input=changes,
        )
        assert not payload["userErrors"], payload

    async def delete_customer(self, source_id: str) -> None:
        query = "mutation($id: String!) { customerDelete(customer: {sourceId: $id}) { deletedId } }"
        assert (await self.api.fetch(query, id=source_id))["deletedId"]

    async def has_transitions(self, segment_id: str, number: int) -> bool:
        return len(await self.list_transitions(segment_id)) >= number

    async def list_transitions(self, segment_id: str) -> list[tuple[str, str, str]]:
        """Returns type, cause and sourceId of each transition of the segment."""
        transitions = await self.api.services.store.transitions.read_after(
            0, 10_000, segment_ids=[segment_id]
        )
        return [
            (row.details.type.value, row.details.cause.value, row.details.customer_source_id)
            for row in transitions
        ]

    async def wait_until_processed(self) -> None:
        """Returns when the engine has processed all commits, and all timers due, by now."""
        position, now = await self.api.services.store.clock.position_and_time()
        await wait_until(lambda: self.is_processed(position, now))

    async def is_processed(self, position: str, now: datetime) -> bool:
        database = self.api.database
        latest_change = database.definitionChanges.find_one(sort=[("_id", -1)])
        partition_behind = [
            {"position": {"$lt": position}},
            {"positionAt": {"$lt": now}},
            {"targetRevision": {"$ne": None}},
        ]
        any_partition_behind = (
            [*partition_behind, {"baseRevision": {"$lt": latest_change["_id"]}}]
            if latest_change
            else partition_behind
        )
        due_timers = {"nextTimerAt": {"$lte": now}}
        return not (
            database.partitions.count_documents({"$or": any_partition_behind})
            or database.membershipStates.count_documents(due_timers)
        )


async def wait_until(
    condition: Callable[[], Awaitable[bool]], seconds: float = PATIENCE_SECONDS
) -> None:
    pause_seconds = 0.01
    async with asyncio.timeout(seconds):
        while not await condition():
            await asyncio.sleep(pause_seconds)
            # To look often costs the processor, which the condition waits for, too.
            pause_seconds = min(0.1, 1.2 * pause_seconds)


async def has_logged(logs: Sequence[Any], event: str) -> bool:
    """Whether the entries that structlog captured include the event."""
    return any(entry["event"] == event for entry in logs)


@pytest_asyncio.fixture
async def shop_without_engine(mongod: Mongod, valkey: Valkey) -> AsyncIterator[ShopWithEngine]:
    """A shop of the test's own, without an engine."""
    async with running_api(mongod, valkey) as api:
        shop = ShopWithEngine(api)
        yield shop
        await shop.stop_engine()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shop(mongod: Mongod, valkey: Valkey) -> AsyncIterator[ShopWithEngine]:
    async with running_api(mongod, valkey) as api:
        shop = ShopWithEngine(api)
        shop.start_engine()
        yield shop
        await shop.stop_engine()
