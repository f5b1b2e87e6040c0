"""Jobs by way of arq."""

import asyncio

import structlog
from arq.connections import ArqRedis
from redis.exceptions import RedisError

log = structlog.get_logger()

_PATIENCE_SECONDS = 2


class ArqQueue:
    """Each job under an id of its own: arq drops a second one under an id that it still knows."""

    def __init__(self, redis: ArqRedis) -> None:
        self._redis = redis

    async def put(self, job: str, *arguments: str) -> None:
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await self._redis.enqueue_job(job, *arguments)
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("a job waits until a worker finds it", job=job, error=error)
