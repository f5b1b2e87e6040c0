"""Consumers see exact intervals of the log; a process killed at a boundary does not block the
log."""

import asyncio
import os
import random
import signal
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from pymongo import monitoring

from app.domain.log_interval import LogInterval
from app.services import Services
from app.services.log_boundary import TRANSACTION_DEADLINE_SECONDS
from app.settings import Settings
from app.store import Store
from tests.engine.conftest import ShopWithEngine, wait_until
from tests.engine.test_transitions import is_true_filter
from tests.forked_program import fork_server
from tests.loyalty_client import LoyaltyClient


@pytest_asyncio.fixture
async def consuming_shop(shop_without_engine: ShopWithEngine) -> AsyncIterator[ShopWithEngine]:
    """A shop with an engine and consumers of the log."""
    committed = shop_without_engine.start_engine()
    task = asyncio.create_task(shop_without_engine.api.services.consumers.run(committed))
    yield shop_without_engine
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def test_an_interval_begins_after_a_sequence_and_ends_with_one() -> None:
    assert [LogInterval(2).contains(sequence) for sequence in (1, 2, 3, 99)] == [False] * 2 + [
        True
    ] * 2
    ended = LogInterval(2).with_end(4)
    assert [ended.contains(sequence) for sequence in (2, 3, 4, 5)] == [False, True, True, False]
    assert not any(LogInterval(2).with_end(2).contains(sequence) for sequence in range(5))


class KillOnInsert(monitoring.CommandListener):
    """Kills the process when it inserts into a collection."""

    def __init__(self, collection: str) -> None:
        self._collection = collection

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        if event.command.get("insert") == self._collection:
            os.kill(os.getpid(), signal.SIGKILL)

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        pass

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        pass


def create_rule_until_killed(settings: Settings, program: str, segment: str) -> None:
    monitoring.register(KillOnInsert("earningRules"))
    asyncio.run(create_rule_in_process(settings, program, segment))


async def create_rule_in_process(settings: Settings, program: str, segment: str) -> None:
    services = Services(Store.connect(settings), settings)
    points = {"fixed": 1}
    wire = {"name": "never", "programId": program, "segmentId": segment, "points": points}
    await services.loyalty.create_rule(wire, services.now().at)


async def test_a_process_killed_at_a_boundary_does_not_block_the_log(
    consuming_shop: ShopWithEngine,
) -> None:
    api, club = consuming_shop.api, LoyaltyClient(consuming_shop.api)
    vips = await consuming_shop.create_segment("VIPs", is_true_filter("vip"))
    program = await club.create_program("points")
    await club.create_rule(program, vips, 5)
    await consuming_shop.wait_until_processed()
    process = fork_server.Process(
        target=create_rule_until_killed, args=(api.settings, program, vips)
    )
    process.start()
    await asyncio.to_thread(process.join)
    assert process.exitcode == -signal.SIGKILL

    began = time.monotonic()
    await api.upsert("ann", metadata={"vip": True})
    await wait_until(lambda: consuming_shop.has_transitions(vips, 1))
    # The log is not blocked at all.
    assert time.monotonic() - began < TRANSACTION_DEADLINE_SECONDS - 1

    async def has_points() -> bool:
        return bool((api.read_customer_document("ann").get("loyalty") or {}).get("points") == 5)

    await wait_until(has_points)
    await consuming_shop.create_segment("Later", is_true_filter("later"))
    assert time.monotonic() - began < TRANSACTION_DEADLINE_SECONDS + 10


@pytest.mark.parametrize("seed", range(2))
async def test_rules_cover_exactly_their_intervals_however_busy_the_log_is(
    shop_without_engine: ShopWithEngine, seed: int
) -> None:
    api, club, chance = (
        shop_without_engine.api,
        LoyaltyClient(shop_without_engine.api),
        random.Random(seed),
    )
    await api.upsert("ann")
    segment, program = await club.create_segment("all"), await club.create_program("points")
    over = asyncio.Event()

    async def enter() -> None:
        while not over.is_set():
            await club.append_entered(segment, *["ann"] * chance.randint(1, 3))

    async def consume() -> None:
        while not over.is_set():
            await api.services.consumers.drain()
            await asyncio.sleep(0)

    async def change_rules() -> None:
        for _ in range(12):
            rule = await club.create_rule(program, segment, 1)
            await club.delete_rule(rule)
        over.set()

    await asyncio.gather(enter(), consume(), change_rules())
    await api.services.consumers.drain()

    end = await api.services.transitions.end()
    wanted = {
        (rule["_id"], sequence)
        for rule in api.database.earningRules.find()
        for sequence in range(1, end + 1)
        if LogInterval(rule["sinceSequence"], rule["untilSequence"]).contains(sequence)
    }
    found = [
        (row["ruleId"], int(str(row["transitionId"]), 16)) for row in api.database.ledger.find()
    ]
    assert set(found) == wanted
    assert len(found) == len(wanted) > 20
