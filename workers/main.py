"""The entry point of a worker process: the engine, the consumers of the log, and arq's jobs.

Only the jobs need Redis. `segments worker` calls run_worker(); the command
`arq workers.main.WorkerSettings` runs the same.
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
from app.clock_watch import watch_clock
from app.errors import SetupError
from app.forced_exit import exit_after
from app.job_queue import connect, deserialize_job, serialize_job
from app.own_task import cancel_until_done, run_in_own_task
from app.settings import Settings
from app.store import ThreadPool, use_thread_pool
from workers.backlog import warn_about_job_backlog
from workers.engine import on_shutdown, on_startup, run_consumers, run_engine
from workers.jobs import (
    JOBS,
    close_services,
    open_services,
    requeue_conversions,
    requeue_generations,
    sample_sizes,
    sweep_deliveries,
    sweep_exports,
    trim_transitions,
)

log = structlog.get_logger()

WorkerRole = Literal["engine", "jobs", "consumers"]
"""The parts of a worker. Each may run in a process of its own."""

STOP_SECONDS = 20.0
"""The time that a worker may take to stop. Kubernetes kills a process after 30."""

# After a run of this length, the next failure starts with the shortest back-off again.
_STABLE_AFTER_SECONDS = 30.0
_REDIS_TIMEOUT_SECONDS = 10
_SHUTDOWN_GRACE_SECONDS = 2
_CANCEL_AGAIN_SECONDS = 0.5
_REQUEUE_CRON_SECONDS = set(range(0, 60, 10))
_RETENTION_CRON_MINUTES = set(range(0, 60, 10))


def worker_settings(settings: Settings) -> dict[str, Any]:
    """The settings of arq's worker."""
    return {
        "redis_settings": RedisSettings.from_dsn(_redis_url(settings)),
        "job_serializer": serialize_job,
        "job_deserializer": deserialize_job,
        "functions": JOBS,
        "cron_jobs": [
            cron(warn_about_job_backlog, second=0, keep_result=0),
            *(
                cron(sweep, second=_REQUEUE_CRON_SECONDS, run_at_startup=True, keep_result=0)
                for sweep in (requeue_conversions, sweep_exports, requeue_generations)
            ),
            # Five seconds late, so that clock skew does not put it before the full hour.
            cron(sample_sizes, second=5, run_at_startup=True, keep_result=0),
            cron(trim_transitions, minute=_RETENTION_CRON_MINUTES, second=30, keep_result=0),
            cron(sweep_deliveries, minute=_RETENTION_CRON_MINUTES, second=45, keep_result=0),
        ],
        "on_startup": open_services,
        "on_shutdown": close_services,
        "ctx": {"settings": settings},
        # Jobs store their results in MongoDB.
        "keep_result": 0,
        "health_check_interval": 15,
        # For this long, other workers do not start a job that a killed worker was running.
        "job_timeout": 300,
    }


def __getattr__(name: str) -> Any:
    """Provides WorkerSettings to the arq command: settings are read on access, not at import."""
    if name == "WorkerSettings":
        return worker_settings(Settings()) | {"on_startup": on_startup, "on_shutdown": on_shutdown}
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


async def run_worker(settings: Settings, role: WorkerRole | None = None) -> None:
    """Runs one part of the worker, or all parts if `role` is None, until SIGINT or SIGTERM.

    If one part fails, the others are cancelled, and the error ends the process. It ends at most 20
    seconds after the signal.
    """
    async with asyncio.TaskGroup() as tasks:
        role_tasks = [
            tasks.create_task(coroutine)
            for coroutine in (*_role_coroutines(settings, role), watch_clock())
        ]

        def stop() -> None:
            exit_after(STOP_SECONDS)
            for task in role_tasks:
                task.cancel()

        for signal_number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(signal_number, stop)


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
    """Runs arq's worker until cancelled. It ends when Redis is unreachable, and is started
    again."""
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
                "Redis is unreachable; retrying",
                error=error,
                retry_in_seconds=backoff.delay_seconds,
            )
        await backoff.wait()


async def _serve_jobs_once(settings: Settings) -> None:
    # arq's own connection pool has no socket timeout: it would wait for a hanging Redis forever.
    redis = connect(_redis_url(settings), socket_timeout=_REDIS_TIMEOUT_SECONDS)
    worker = create_worker(worker_settings(settings), redis_pool=redis, handle_signals=False)
    try:
        # redis-py sends within asyncio.wait_for(), which may drop a cancellation.
        await run_in_own_task(worker.async_run(), _CANCEL_AGAIN_SECONDS)
    finally:
        await _close_worker(worker)
        await close_services(worker.ctx)
        await redis.aclose()


async def _close_worker(worker: Worker) -> None:
    """Returns running jobs to the queue. Without Redis that fails; requeue_conversions enqueues
    them later."""
    close_task = asyncio.create_task(worker.close())
    await asyncio.wait({close_task}, timeout=_SHUTDOWN_GRACE_SECONDS)
    await cancel_until_done({close_task})


def _redis_url(settings: Settings) -> str:
    if not settings.redis_url:
        raise SetupError("REDIS_URL is not set")
    return settings.redis_url.get_secret_value()
