"""That the log of transitions has grown, told by way of Redis: sooner than by looking each second.

Nothing rests on it: who hears nothing looks.
"""

import asyncio
from collections.abc import Callable

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from app.backoff import Backoff

log = structlog.get_logger()

_PUBLISH_TIMEOUT_SECONDS = 2.0


class LogNotifications:
    """What the workers tell the processes of the API, in the channel of one database."""

    def __init__(self, redis: Redis, database: str) -> None:
        self._redis = redis
        self._channel = f"segments:{database}:transitions"

    async def publish(self, log_grown: asyncio.Event) -> None:
        """For ever: says it each time that the event is set, as fast as Redis takes it."""
        has_failed = False
        while True:
            await log_grown.wait()
            log_grown.clear()
            try:
                async with asyncio.timeout(_PUBLISH_TIMEOUT_SECONDS):
                    await self._redis.publish(self._channel, b"")
                has_failed = False
            except (RedisError, OSError, TimeoutError) as error:
                if not has_failed:
                    log.warning("subscribers hear of transitions a second later", error=error)
                has_failed = True

    async def subscribe(self, on_notification: Callable[[], object]) -> None:
        """For ever: rings at each announcement, and once when it can be heard again."""
        backoff = Backoff()
        while True:
            try:
                async with self._redis.pubsub() as pubsub:
                    await pubsub.subscribe(self._channel)
                    async for _ in pubsub.listen():
                        backoff.reset()
                        on_notification()
            except (RedisError, OSError) as error:
                retry_in_seconds = backoff.delay_seconds
                log.warning("no announcements", error=error, again_in_seconds=retry_in_seconds)
            await backoff.wait()
