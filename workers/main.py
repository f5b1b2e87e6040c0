"""The worker's door: arq's jobs, and beside them what must live without Redis.

`segments worker` runs work(); bare `arq workers.main.WorkerSettings` runs the same jobs.
"""

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any, Literal

import structlog
from arq.connections import RedisSettings
from arq.cron import cron
from arq.worker import Worker, create_worker
from redis.exceptions import RedisError

from app.backoff import Backoff
from app.errors import SetupError
from app.job_queue import connect, deserialize_job, serialize_job
from app.settings import Settings
from app.store import ThreadPool, use_thread_pool
from workers.backlog import warn_about_job_backlog
from workers.engine import on_shutdown, on_startup, run_consumers, run_engine
from workers.jobs import (
    JOBS,
    close_services,
    open_services,
    requeue_conversions,
    sample_sizes,
    trim_transitions,
)

log = structlog.get_logger()

WorkerRole = Literal["engine", "jobs", "consumers"]
"""What a worker consists of, each of which may have a process of its own."""

_STABLE_AFTER_SECONDS = 30.0
_REDIS_TIMEOUT_SECONDS = 10
_SHUTDOWN_GRACE_SECONDS = 2
_REQUEUE_CRON_SECONDS = set(range(0, 60, 10))


def worker_settings(settings: Settings) -> dict[str, Any]:
    """What arq asks for."""
    return {
        "redis_settings": RedisSettings.from_dsn(_redis_url(settings)),
        "job_serializer": serialize_job,
        "job_deserializer": deserialize_job,
        "functions": JOBS,
        "cron_jobs": [
            cron(warn_about_job_backlog, second=0, keep_result=0),
            cron(
                requeue_conversions,
                second=_REQUEUE_CRON_SECONDS,
                run_at_startup=True,
                keep_result=0,
            ),
            # A little after the full hour, not before it by a clock's whim.
            cron(sample_sizes, second=5, run_at_startup=True, keep_result=0),
            cron(trim_transitions, minute=set(range(0, 60, 10)), second=30, keep_result=0),
        ],
        "on_startup": open_services,
        "on_shutdown": close_services,
        "ctx": {"settings": settings},
        # What a job has come to is in its row; results would only fill Redis.
        "keep_result": 0,
        "health_check_interval": 15,
        # What a killed worker held is refused to the others this long.
        "job_timeout": 300,
    }


def __getattr__(name: str) -> Any:
    """`arq workers.main.WorkerSettings`: read when asked for, not at import."""
    if name == "WorkerSettings":
        return worker_settings(Settings()) | {"on_startup": on_startup, "on_shutdown": on_shutdown}
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


async def run_worker(settings: Settings, role: WorkerRole | None = None) -> None:
    """Runs one part of the worker, or all of them, until told to stop. A task that dies takes the
    process down: never silence."""
    async with asyncio.TaskGroup() as tasks:
        role_tasks = [
            tasks.create_task(coroutine) for coroutine in _role_coroutines(settings, role)
        ]

        def cancel_role_tasks() -> None:
            for task in role_tasks:
                task.cancel()

        for signal_number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(signal_number, cancel_role_tasks)


def _role_coroutines(
    settings: Settings, role: WorkerRole | None
) -> list[Coroutine[Any, Any, None]]:
    match role:
        case "engine":
            return [run_engine(settings, consumers=False)]
        case "consumers":
            return [run_consumers(settings)]
        case "jobs":
            return [serve_jobs(settings)]
        case None:
            return [run_engine(settings), serve_jobs(settings)]


async def serve_jobs(settings: Settings) -> None:
    """arq's worker, which gives up when Redis does, started again until Redis is back."""
    with use_thread_pool(ThreadPool.JOBS):
        await _serve_jobs_forever(settings)


async def _serve_jobs_forever(settings: Settings) -> None:
    clock = asyncio.get_running_loop().time
    backoff = Backoff()
    while True:
        started_at = clock()
        try:
            await _serve_jobs_once(settings)
        except (RedisError, OSError, TimeoutError) as error:
            if clock() - started_at > _STABLE_AFTER_SECONDS:
                backoff.reset()
            log.warning(
                "redis does not answer", error=error, again_in_seconds=backoff.delay_seconds
            )
        await backoff.wait()


async def _serve_jobs_once(settings: Settings) -> None:
    # arq's own pool waits for ever on a Redis that hangs.
    redis = connect(_redis_url(settings), socket_timeout=_REDIS_TIMEOUT_SECONDS)
    worker = create_worker(worker_settings(settings), redis_pool=redis, handle_signals=False)
    try:
        await worker.async_run()
    finally:
        await _close_worker(worker)
        await close_services(worker.ctx)
        await redis.aclose()


async def _close_worker(worker: Worker) -> None:
    """Jobs under way go back to the queue; with Redis gone they can't, and are found again."""
    close_task = asyncio.create_task(worker.close())
    await asyncio.wait({close_task}, timeout=_SHUTDOWN_GRACE_SECONDS)
    close_task.cancel()
    await asyncio.gather(close_task, return_exceptions=True)


def _redis_url(settings: Settings) -> str:
    if not settings.redis_url:
        raise SetupError("REDIS_URL is not set")
    return settings.redis_url.get_secret_value()
