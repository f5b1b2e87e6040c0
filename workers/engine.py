"""The engine at work in a process, and who reads what it writes: they need MongoDB, and nothing
else. Redis carries the news of it."""

import asyncio
from typing import Any

from redis.asyncio import Redis

from app.announcements import Announcements
from app.services import Services
from app.services.active_filters import ActiveFilters
from app.services.engine import Engine
from app.services.waking import Bell
from app.settings import Settings
from app.store import Lane, Store, lane
from app.vital import vital
from workers.jobs import close_services, open_services

_TASK = "engine"


async def run_engine(settings: Settings, *, consumers: bool = True) -> None:
    """Until it is cancelled, with the consumers of the log beside it or without them. Where one of
    them dies, all do."""
    store = await Store.open(settings)
    try:
        services = Services(store, settings)
        await ActiveFilters(store).adopt(services.definitions)
        engine = Engine(store)
        async with asyncio.TaskGroup() as tasks:
            with lane(Lane.ENGINE):
                tasks.create_task(engine.run())
                tasks.create_task(_announce(settings, engine.committed.ear()))
            if consumers:
                with lane(Lane.CONSUMERS):
                    tasks.create_task(services.consumers.run(engine.committed))
    finally:
        await store.close()


async def run_consumers(settings: Settings) -> None:
    """The consumers of the log alone, until it is cancelled. Redis wakes them; without it they look
    each second."""
    store = await Store.open(settings)
    try:
        services, grown = Services(store, settings), Bell()
        with lane(Lane.CONSUMERS):
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(services.consumers.run(grown))
                tasks.create_task(_hear(settings, grown))
    finally:
        await store.close()


async def _announce(settings: Settings, grown: asyncio.Event) -> None:
    if settings.redis_url is not None:
        async with Redis.from_url(settings.redis_url.get_secret_value()) as redis:
            await Announcements(redis, settings.database).tell(grown)


async def _hear(settings: Settings, grown: Bell) -> None:
    if settings.redis_url is not None:
        async with Redis.from_url(settings.redis_url.get_secret_value()) as redis:
            await Announcements(redis, settings.database).hear(grown.ring)


async def start(ctx: dict[Any, Any]) -> None:
    """Beside arq's jobs, where arq itself is the process."""
    await open_services(ctx)
    ctx[_TASK] = task = asyncio.create_task(run_engine(ctx["settings"]))
    vital(task, "the engine has died")


async def stop(ctx: dict[Any, Any]) -> None:
    if task := ctx.pop(_TASK, None):
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await close_services(ctx)
