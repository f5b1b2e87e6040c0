"""The job queue: arq over Redis, with jobs written as JSON."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import structlog
from arq.connections import ArqRedis
from arq.constants import default_queue_name, in_progress_key_prefix
from redis.asyncio import ConnectionPool
from redis.exceptions import RedisError

log = structlog.get_logger()

_ENQUEUE_TIMEOUT_SECONDS = 2
# The year 2286 in milliseconds: what arq can still turn into a date.
_MAX_ENQUEUE_TIME_MS = 10_000_000_000_000
_MAX_COUNTED_JOBS = 10_000


def serialize_job(job: dict[str, Any]) -> bytes:
    """Writes a job, or a job's result, as JSON.

    arq's default is pickle, and unpickling runs code: anyone who can write to Redis could run
    commands as the worker's user.
    """
    return orjson.dumps(job, default=_error_text)


def deserialize_job(stored: bytes) -> dict[str, Any]:
    """Reads what serialize_job wrote. Raises ValueError for anything else.

    arq reports a job that raises here as failed and drops it. A field of an unexpected type would
    end the worker later, outside of arq's error handling, so types are checked here.
    """
    match orjson.loads(stored):
        case {
            "f": str(),
            "a": list(),
            "k": dict(),
            "t": int() | None,
            "et": int(enqueue_time_ms),
        } as job if 0 <= enqueue_time_ms < _MAX_ENQUEUE_TIME_MS:
            return dict(job)
    raise ValueError("not a job")


def _error_text(value: object) -> str:
    if isinstance(value, BaseException):
        return f"{type(value).__name__}: {value}"
    raise TypeError


def connect(url: str, **connection_options: Any) -> ArqRedis:
    """Returns a client for the queue; the options are those of a redis-py connection."""
    pool = ConnectionPool.from_url(url, **connection_options)
    redis = ArqRedis(pool, job_serializer=serialize_job, job_deserializer=deserialize_job)
    redis.auto_close_connection_pool = True
    return redis


class ArqQueue:
    """Enqueues each job under a new id: arq drops a job whose id it still knows."""

    def __init__(self, redis: ArqRedis) -> None:
        self._redis = redis

    async def enqueue(self, job: str, *arguments: str) -> None:
        """Enqueues a job, or logs a warning if Redis does not accept it within 2 s.

        The rows in MongoDB say what is left to do, so that the workers' next sweep enqueues it.
        """
        try:
            async with asyncio.timeout(_ENQUEUE_TIMEOUT_SECONDS):
                await self._redis.enqueue_job(job, *arguments)
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("can't enqueue the job; the next sweep will find it", job=job, error=error)


@dataclass(frozen=True, slots=True)
class Backlog:
    """How many due jobs wait, how long the oldest of them has waited, and how many are running.

    Counts at most the first 10,000 due jobs.
    """

    waiting_count: int
    longest_wait: timedelta
    running_count: int


async def read_backlog(redis: ArqRedis, now: datetime | None = None) -> Backlog:
    """Reads the backlog of the queue.

    arq keeps a job in a sorted set, by its due time in milliseconds, until the job has ended.
    """
    now_ms = (now or datetime.now(UTC)).timestamp() * 1000
    due_jobs = await redis.zrangebyscore(
        default_queue_name, "-inf", now_ms, start=0, num=_MAX_COUNTED_JOBS, withscores=True
    )
    if not due_jobs:
        return Backlog(0, timedelta(), 0)
    start_markers = await redis.mget(
        [in_progress_key_prefix.encode() + job_id for job_id, _ in due_jobs]
    )
    waiting_due_ms = [
        due_ms
        for (_, due_ms), start_marker in zip(due_jobs, start_markers, strict=True)
        if start_marker is None
    ]
    longest_wait = (
        timedelta(milliseconds=now_ms - waiting_due_ms[0]) if waiting_due_ms else timedelta()
    )
    return Backlog(len(waiting_due_ms), longest_wait, len(due_jobs) - len(waiting_due_ms))
