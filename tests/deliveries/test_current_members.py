"""includeCurrentMembers: each member as of the creation gets one delivery, and nobody two."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from app.local.mongod import Mongod
from app.local.valkey import Valkey
from app.services.deliveries import member_backfill
from tests.api import running_api
from tests.deliveries.distribution_client import DELETE, DistributionClient
from tests.engine.conftest import ShopWithEngine, wait_until

IN_FILTER = {"attribute": {"path": "metadata.in", "operator": "IS", "value": True}}
URL = "http://192.0.2.1/"


class Shop:
    """A shop with an engine, and the client of its distributions."""

    def __init__(self, client: DistributionClient, engine: ShopWithEngine) -> None:
        self.client = client
        self.engine = engine

    async def set_members(self, **members: bool) -> None:
        rows = [
            {"sourceId": name, "metadata": {"in": is_member}} for name, is_member in members.items()
        ]
        result = await self.client.api.bulk_upsert("customersUpsert", rows)
        assert result["accepted"] == len(rows)

    async def has_finished_backfills(self) -> bool:
        unfinished = await self.client.api.services.store.distributions.with_unfinished_backfill()
        return not unfinished

    def deliveries(self) -> Counter[tuple[str, bool]]:
        """Counts the deliveries by customer and by whether a transition made them."""
        customers = {
            row["_id"]: row["sourceId"] for row in self.client.api.database.customers.find()
        }
        return Counter(
            (customers.get(row["customerId"], "deleted"), "transitionId" in row)
            for row in self.client.api.database.deliveries.find()
        )

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Runs the consumers and the upkeep while the context is open."""
        services = self.client.api.services
        tasks = [
            asyncio.create_task(services.consumers.run()),
            *(asyncio.create_task(services.delivery_worker.upkeep.run()) for _ in range(2)),
        ]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def wait_until_done(self) -> None:
        """Waits for the engine, then for all consumers and backfills."""
        await self.engine.wait_until_processed()
        await wait_until(self.has_finished_backfills, 60)
        await self.client.make_deliveries()


@pytest.fixture
async def shop(
    mongod: Mongod, valkey: Valkey, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Shop]:
    # Small pages, so that changes come between two of them.
    monkeypatch.setattr(member_backfill, "_STATES_PER_PAGE", 40)
    monkeypatch.setattr(member_backfill, "_MAX_DELIVERIES_PER_PAGE", 10)
    async with running_api(mongod, valkey, webhook_allow_private=True) as api:
        engine = ShopWithEngine(api)
        engine.start_engine()
        yield Shop(DistributionClient(api), engine)
        await engine.stop_engine()


@pytest.mark.parametrize("is_active", [False, True], ids=["passive", "active"])
async def test_members_get_one_and_others_none(shop: Shop, is_active: bool) -> None:
    await shop.set_members(**{f"c{index}": index % 3 == 0 for index in range(100)})
    segment = await shop.client.create_segment("In", filter=IN_FILTER)
    if is_active:
        await shop.engine.activate(segment)
        await shop.engine.wait_until_processed()
    await shop.client.create(segment, URL, includeCurrentMembers=True)
    await shop.client.create(segment, URL)
    async with shop.working():
        await shop.wait_until_done()
        # The last one leaves before its page; the first one after.
        await shop.set_members(c0=False, c1=True, new=True)
        await shop.wait_until_done()

    expected = Counter({(f"c{index}", False): 1 for index in range(0, 100, 3)})
    # Two distributions make deliveries for transitions.
    expected[("c1", True)] = expected[("new", True)] = 2
    assert shop.deliveries() == expected


async def test_a_member_who_leaves_or_is_deleted_first_still_gets_one(shop: Shop) -> None:
    await shop.set_members(stays=True, leaves=True, returns=True, deleted=True, enters=False)
    segment = await shop.client.create_segment("In", filter=IN_FILTER)
    distribution = await shop.client.create(
        segment, URL, includeCurrentMembers=True, maxPerCustomer=1
    )
    await shop.engine.wait_until_processed()
    await shop.set_members(leaves=False, returns=False, enters=True)
    await shop.engine.delete_customer("deleted")
    await shop.engine.wait_until_processed()
    await shop.set_members(returns=True)
    await shop.engine.wait_until_processed()
    async with shop.working():
        await shop.wait_until_done()

    expected: dict[tuple[str, bool], int] = dict.fromkeys(
        [("stays", False), ("leaves", False), ("returns", False), ("deleted", False)], 1
    )
    assert shop.deliveries() == {**expected, ("enters", True): 1}
    rows = await shop.client.deliveries(distribution)
    assert all(row["transition"] is None for row in rows if row["customer"] is None)


async def test_members_who_change_during_the_backfill_get_one(shop: Shop) -> None:
    chance, count = random.Random(7), 400
    state = {f"c{index}": chance.random() < 0.5 for index in range(count)}
    await shop.set_members(**state)
    quiet = {name for name in state if int(name[1:]) % 2}
    segment = await shop.client.create_segment("In", filter=IN_FILTER)
    is_done = False

    async def change_members() -> None:
        while not is_done:
            names = chance.sample(sorted(state.keys() - quiet), 20)
            state.update({name: not state[name] for name in names})
            await shop.set_members(**{name: state[name] for name in names})

    async with shop.working():
        writer = asyncio.create_task(change_members())
        await asyncio.sleep(0)
        distribution = await shop.client.create(segment, URL, includeCurrentMembers=True)
        await wait_until(shop.has_finished_backfills, 60)
        is_done = True
        await writer
        await shop.wait_until_done()

    assert_deliveries(shop, distribution, segment, state)
    members = {name for (name, is_transition) in shop.deliveries() if not is_transition}
    assert members & quiet == {name for name in quiet if state[name]}
    assert members - quiet


def assert_deliveries(shop: Shop, distribution: str, segment: str, state: dict[str, bool]) -> None:
    """Compares the deliveries with the log and the present members."""
    database = shop.client.api.database
    (row,) = database.distributions.find()
    created_after = row["liveIntervals"][0]["after"]
    transitions: dict[str, list[str]] = {}
    for transition in database.transitions.find().sort("_id", 1):
        if int(str(transition["_id"]), 16) > created_after:
            transitions.setdefault(transition["customerSourceId"], []).append(transition["type"])
    expected: Counter[tuple[str, bool]] = Counter()
    for name, is_member in state.items():
        types: list[Any] = transitions.get(name, [])
        expected[(name, False)] = int(types[0] == "LEFT" if types else is_member)
        expected[(name, True)] = types.count("ENTERED")
    assert shop.deliveries() == +expected


async def test_a_deleted_distribution_stops_its_backfill(shop: Shop) -> None:
    await shop.set_members(**{f"c{index}": True for index in range(100)})
    segment = await shop.client.create_segment("In", filter=IN_FILTER)
    distribution = await shop.client.create(segment, URL, includeCurrentMembers=True)
    await shop.client.change(DELETE, id=distribution)
    await shop.engine.wait_until_processed()
    async with shop.working():
        await shop.wait_until_done()

    assert shop.deliveries() == {}
