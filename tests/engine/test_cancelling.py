"""An engine that is told to end does, whatever it is in the midst of."""

import asyncio
from contextlib import nullcontext, suppress
from random import Random

from app.services.engine import Engine
from tests.engine.conftest import Shop
from tests.engine.test_transitions import is_true

TIMES = 40


async def test_it_ends_in_the_midst_of_errors(alone: Shop) -> None:
    """Each of its attempts fails; it is cancelled before, while and after that."""
    await alone.active("VIPs", is_true("vip"))
    alone.api.database.activeFilters.update_one({}, {"$set": {"timeZone": "Nowhere/At all"}})
    dice = Random(1)
    for _ in range(TIMES):
        engine = asyncio.create_task(Engine(alone.api.services.store).run())
        await asyncio.sleep(0.1 * dice.random())
        engine.cancel()

        await asyncio.wait({engine}, timeout=10)

        assert engine.cancelled()


async def test_it_ends_where_its_work_forgets_that_it_was_cancelled(alone: Shop) -> None:
    """As a group of tasks does which ends with errors at the same moment."""

    times = 0

    async def forget() -> None:
        nonlocal times
        times += 1
        with suppress(asyncio.CancelledError) if times == 1 else nullcontext():
            await asyncio.Event().wait()

    engine = asyncio.create_task(Engine(alone.api.services.store)._until_cancelled(forget))
    await asyncio.sleep(0)
    engine.cancel()

    await asyncio.wait({engine}, timeout=10)

    assert engine.cancelled()
