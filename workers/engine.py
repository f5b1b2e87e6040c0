"""Runs the engine, the consumers of the transition log and the sender of deliveries in a worker
process.

All need only MongoDB. Redis carries notifications that the log has grown; without it, consumers
and subscribers poll every second.
"""

import asyncio
from typing import Any

from redis.asyncio import Redis

from app.critical_task import critical_task
from app.log_notifications import LogNotifications
from app.own_task import cancel_until_done
from app.services import Services
from app.services.active_filters import ActiveFilters
from app.services.engine import Engine
from app.services.polling import Signal
from app.settings import Settings
from app.store import Store, ThreadPool, use_thread_pool
from workers.jobs import close_services, open_services

_TASK_KEY = "engine_task"


async def run_engine(settings: Settings, *, consumers: bool = True) -> None:
    """Runs the engine, and unless `consumers` is False the consumers of the log, until cancelled.

    If one of them fails, the others are cancelled and the error is raised.
    """
    store = await Store.open(settings)
    try:
        services = Services(store, settings)
        await ActiveFilters(store).apply_project_calendar(services.definitions)
        engine = Engine(store)
        async with asyncio.TaskGroup() as tasks:
            with use_thread_pool(ThreadPool.ENGINE):
                tasks.create_task(engine.run())
                tasks.create_task(
                    _publish_notifications(settings, engine.transitions_committed.subscribe())
                )
            if consumers:
                with use_thread_pool(ThreadPool.CONSUMERS):
                    tasks.create_task(services.consumers.run(engine.transitions_committed))
                    tasks.create_task(services.delivery_worker.run())
    finally:
        await store.close()


async def run_consumers(settings: Settings) -> None:
    """Runs only the consumers of the log and the sender, until cancelled. A notification through
    Redis wakes the consumers; without Redis they poll every second."""
    store = await Store.open(settings)
    try:
        services, transitions_committed = Services(store, settings), Signal()
        with use_thread_pool(ThreadPool.CONSUMERS):
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(services.consumers.run(transitions_committed))
                tasks.create_task(services.delivery_worker.run())
                tasks.create_task(_subscribe_to_notifications(settings, transitions_committed))
    finally:
        await store.close()


async def _publish_notifications(settings: Settings, wake_event: asyncio.Event) -> None:
    if settings.redis_url is not None:
        async with Redis.from_url(settings.redis_url.get_secret_value()) as redis:
            await LogNotifications(redis, settings.database).publish(wake_event)


async def _subscribe_to_notifications(settings: Settings, transitions_committed: Signal) -> None:
    if settings.redis_url is not None:
        async with Redis.from_url(settings.redis_url.get_secret_value()) as redis:
            await LogNotifications(redis, settings.database).subscribe(transitions_committed.notify)


async def on_startup(ctx: dict[Any, Any]) -> None:
    """Starts the engine beside arq's jobs, in a process that the `arq` command runs."""
    await open_services(ctx)
    ctx[_TASK_KEY] = task = asyncio.create_task(run_engine(ctx["settings"]))
    critical_task(task, "the engine task has failed; stopping the process")


async def on_shutdown(ctx: dict[Any, Any]) -> None:
    """Stops the engine, and closes the services of the jobs."""
    if task := ctx.pop(_TASK_KEY, None):
        await cancel_until_done({task})
    await close_services(ctx)
