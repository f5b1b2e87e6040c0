"""Intervals of the log are exact, and no process that dies at a boundary freezes the log."""

import asyncio
import os
import random
import signal
import time
from collections.abc import AsyncIterator
from multiprocessing import get_context

import pytest
import pytest_asyncio
from pymongo import monitoring

from app.domain.log_interval import LogInterval
from app.services import Services
from app.services.log_boundary import DEADLINE_SECONDS
from app.settings import Settings
from app.store import Store
from tests.club import Club
from tests.engine.conftest import Shop, until
from tests.engine.test_transitions import is_true


@pytest_asyncio.fixture
async def consuming(alone: Shop) -> AsyncIterator[Shop]:
    """A shop where an engine and the consumers are at work."""
    committed = alone.wake()
    task = asyncio.create_task(alone.api.services.consumers.run(committed))
    yield alone
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def test_an_interval_begins_after_a_sequence_and_ends_with_one() -> None:
    assert [LogInterval(2).contains(sequence) for sequence in (1, 2, 3, 99)] == [False] * 2 + [
        True
    ] * 2
    ended = LogInterval(2).ended(4)
    assert [ended.contains(sequence) for sequence in (2, 3, 4, 5)] == [False, True, True, False]
    assert not any(LogInterval(2).ended(2).contains(sequence) for sequence in range(5))


class _Killer(monitoring.CommandListener):
    """Kills the process as it inserts into a collection."""

    def __init__(self, collection: str) -> None:
        self._collection = collection

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        if event.command.get("insert") == self._collection:
            os.kill(os.getpid(), signal.SIGKILL)

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        pass

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        pass


def make_rule_until_killed(settings: Settings, program: str, segment: str) -> None:
    monitoring.register(_Killer("earningRules"))
    asyncio.run(_make_rule(settings, program, segment))


async def _make_rule(settings: Settings, program: str, segment: str) -> None:
    services = Services(Store.connect(settings), settings)
    points = {"fixed": 1}
    wire = {"name": "never", "programId": program, "segmentId": segment, "points": points}
    await services.loyalty.create_rule(wire, services.now().at)


async def test_a_process_killed_at_a_boundary_freezes_nothing(consuming: Shop) -> None:
    api, club = consuming.api, Club(consuming.api)
    vips = await consuming.segment("VIPs", is_true("vip"))
    program = await club.program("points")
    await club.rule(program, vips, 5)
    await consuming.settled()
    process = get_context("forkserver").Process(
        target=make_rule_until_killed, args=(api.settings, program, vips)
    )
    process.start()
    await asyncio.to_thread(process.join)
    assert process.exitcode == -signal.SIGKILL

    began = time.monotonic()
    await api.upsert("ann", metadata={"vip": True})
    await until(lambda: consuming.has(vips, 1))
    # The log does not wait at all.
    assert time.monotonic() - began < DEADLINE_SECONDS - 1

    async def has_points() -> bool:
        return bool((api.stored("ann").get("loyalty") or {}).get("points") == 5)

    await until(has_points)
    await consuming.segment("Later", is_true("later"))
    assert time.monotonic() - began < DEADLINE_SECONDS + 10


@pytest.mark.parametrize("seed", range(2))
async def test_rules_cover_exactly_their_intervals_however_busy_the_log_is(
    alone: Shop, seed: int
) -> None:
    api, club, chance = alone.api, Club(alone.api), random.Random(seed)
    await api.upsert("ann")
    segment, program = await club.segment("all"), await club.program("points")
    over = asyncio.Event()

    async def enter() -> None:
        while not over.is_set():
            await club.enters(segment, *["ann"] * chance.randint(1, 3))

    async def consume() -> None:
        while not over.is_set():
            await api.services.consumers.drain()
            await asyncio.sleep(0)

    async def change_rules() -> None:
        for _ in range(12):
            rule = await club.rule(program, segment, 1)
            await club.end_rule(rule)
        over.set()

    await asyncio.gather(enter(), consume(), change_rules())
    await api.services.consumers.drain()

    end = await api.services.transitions.end()
    wanted = {
        (rule["_id"], sequence)
        for rule in api.database.earningRules.find()
        for sequence in range(1, end + 1)
        if LogInterval(rule["since"], rule["until"]).contains(sequence)
    }
    found = [
        (row["ruleId"], int(str(row["transitionId"]), 16)) for row in api.database.ledger.find()
    ]
    assert set(found) == wanted
    assert len(found) == len(wanted) > 20
