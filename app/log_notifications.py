"""Notifications over Redis that the transition log has grown.

They only shorten the delay: subscribers also poll the log every second, so a lost notification
loses no transition.
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
    """Workers publish to the Redis channel of one database; API processes subscribe to it."""

    def __init__(self, redis: Redis, database: str) -> None:
        self._redis = redis
        self._channel = f"segments:{database}:transitions"

    async def publish(self, log_grown: asyncio.Event) -> None:
        """Publishes one notification each time the event is set. Runs until cancelled.

        Several settings of the event during one publication become one notification. While Redis is
        unreachable, only the first failure is logged.
        """
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
                    log.warning(
                        "can't publish log notifications; subscribers poll every second",
                        error=error,
                    )
                has_failed = True

    async def subscribe(self, on_notification: Callable[[], object]) -> None:
        """Calls `on_notification` at each notification. Runs until cancelled.

        Redis confirms each subscription with a message, which counts as a notification. So a
        reconnect makes up for the notifications that were missed while Redis was unreachable.
        """
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
                log.warning(
                    "can't receive log notifications; retrying",
                    error=error,
                    retry_in_seconds=retry_in_seconds,
                )
            await backoff.wait()
