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
from app.errors import Unusable
from app.queue import connect, deserialize_job, serialize_job
from app.settings import Settings
from app.store import Lane, lane
from workers.backlog import say_when_jobs_pile_up
from workers.engine import run_consumers, run_engine, start, stop
from workers.jobs import (
    JOBS,
    close_services,
    open_services,
    sample_sizes,
    sweep,
    trim_transitions,
)

log = structlog.get_logger()

Part = Literal["engine", "jobs", "consumers"]
"""What a worker consists of, each of which may have a process of its own."""

_STEADY_SECONDS = 30.0
_REDIS_SECONDS = 10
_GRACE_SECONDS = 2
_SWEEPS = set(range(0, 60, 10))


def worker_settings(settings: Settings) -> dict[str, Any]:
    """What arq asks for."""
    return {
        "redis_settings": RedisSettings.from_dsn(_redis_url(settings)),
        "job_serializer": serialize_job,
        "job_deserializer": deserialize_job,
        "functions": JOBS,
        "cron_jobs": [
            cron(say_when_jobs_pile_up, second=0, keep_result=0),
            cron(sweep, second=_SWEEPS, run_at_startup=True, keep_result=0),
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
        return worker_settings(Settings()) | {"on_startup": start, "on_shutdown": stop}
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


async def work(settings: Settings, only: Part | None = None) -> None:
    """Runs one part of the worker, or all of them, until told to stop. A task that dies takes the
    process down: never silence."""
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(part) for part in _parts(settings, only)]

        def stop() -> None:
            for task in running:
                task.cancel()

        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop)


def _parts(settings: Settings, only: Part | None) -> list[Coroutine[Any, Any, None]]:
    match only:
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
    with lane(Lane.JOBS):
        await _serve_jobs(settings)


async def _serve_jobs(settings: Settings) -> None:
    clock = asyncio.get_running_loop().time
    backoff = Backoff()
    while True:
        began = clock()
        try:
            await _serve_jobs_once(settings)
        except (RedisError, OSError, TimeoutError) as error:
            if clock() - began > _STEADY_SECONDS:
                backoff.reset()
            log.warning("redis does not answer", error=error, again_in_seconds=backoff.seconds)
        await backoff.wait()


async def _serve_jobs_once(settings: Settings) -> None:
    # arq's own pool waits for ever on a Redis that hangs.
    redis = connect(_redis_url(settings), socket_timeout=_REDIS_SECONDS)
    worker = create_worker(worker_settings(settings), redis_pool=redis, handle_signals=False)
    try:
        await worker.async_run()
    finally:
        await _let_go(worker)
        await close_services(worker.ctx)
        await redis.aclose()


async def _let_go(worker: Worker) -> None:
    """Jobs under way go back to the queue; with Redis gone they can't, and are found again."""
    closing = asyncio.create_task(worker.close())
    await asyncio.wait({closing}, timeout=_GRACE_SECONDS)
    closing.cancel()
    await asyncio.gather(closing, return_exceptions=True)


def _redis_url(settings: Settings) -> str:
    if not settings.redis_url:
        raise Unusable("REDIS_URL is not set")
    return settings.redis_url.get_secret_value()
