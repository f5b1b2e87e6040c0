"""The engine stops when its task is cancelled, whatever it is doing, and records what failed."""

import asyncio
from contextlib import suppress
from random import Random

from pymongo.errors import AutoReconnect

from app.services.engine import Engine
from tests.engine.conftest import ShopWithEngine
from tests.engine.test_transitions import is_true_filter
from tests.patience import PATIENCE_SECONDS, until

CANCELLATIONS = 40


async def test_cancelled_engine_stops_during_errors(shop_without_engine: ShopWithEngine) -> None:
    """Each attempt of the engine fails; the test cancels it before, during and after an attempt."""
    await shop_without_engine.create_active_segment("VIPs", is_true_filter("vip"))
    shop_without_engine.api.database.activeFilters.update_one(
        {}, {"$set": {"timeZone": "Nowhere/At all"}}
    )
    dice = Random(1)
    for _ in range(CANCELLATIONS):
        engine = asyncio.create_task(Engine(shop_without_engine.api.services.store).run())
        await asyncio.sleep(0.1 * dice.random())
        engine.cancel()

        await asyncio.wait({engine}, timeout=PATIENCE_SECONDS)

        assert engine.cancelled()


async def test_cancelled_engine_stops_while_a_partition_ends(
    shop_without_engine: ShopWithEngine,
) -> None:
    """A partition catches up, or workers rebalance, at the moment of the cancellation."""
    begun, never = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        begun.set()
        with suppress(asyncio.CancelledError):
            await never.wait()

    engine = Engine(shop_without_engine.api.services.store)
    running = asyncio.create_task(engine._retry_until_cancelled(work))
    await begun.wait()
    running.cancel()
    await asyncio.wait({running}, timeout=1)
    ended = running.done()
    running.cancel()

    assert ended


async def test_an_error_without_a_message_is_recorded_by_its_type(
    shop_without_engine: ShopWithEngine,
) -> None:
    """The driver raises such errors for calls whose connection another error has closed."""

    async def fail() -> None:
        raise AutoReconnect

    engine = Engine(shop_without_engine.api.services.store)
    running = asyncio.create_task(engine._retry_until_cancelled(fail))
    await until(lambda: engine._metrics.report().last_error)
    running.cancel()
    await asyncio.wait({running})

    assert engine._metrics.report().last_error == "MongoDB: AutoReconnect('')"
