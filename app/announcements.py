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

_PATIENCE_SECONDS = 2.0


class Announcements:
    """What the workers tell the processes of the API, in the channel of one database."""

    def __init__(self, redis: Redis, database: str) -> None:
        self._redis = redis
        self._channel = f"segments:{database}:transitions"

    async def tell(self, grown: asyncio.Event) -> None:
        """For ever: says it each time that the event is set, as fast as Redis takes it."""
        silent = False
        while True:
            await grown.wait()
            grown.clear()
            try:
                async with asyncio.timeout(_PATIENCE_SECONDS):
                    await self._redis.publish(self._channel, b"")
                silent = False
            except (RedisError, OSError, TimeoutError) as error:
                if not silent:
                    log.warning("subscribers hear of transitions a second later", error=error)
                silent = True

    async def hear(self, ring: Callable[[], object]) -> None:
        """For ever: rings at each announcement, and once when it can be heard again."""
        backoff = Backoff()
        while True:
            try:
                async with self._redis.pubsub() as heard:
                    await heard.subscribe(self._channel)
                    async for _ in heard.listen():
                        backoff.reset()
                        ring()
            except (RedisError, OSError) as error:
                again = backoff.seconds
                log.warning("no announcements", error=error, again_in_seconds=again)
            await backoff.wait()
