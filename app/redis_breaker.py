"""A circuit breaker for Redis, where the API can do without it."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import TypeVar

import structlog
from redis.exceptions import RedisError

log = structlog.get_logger()

TIMEOUT_SECONDS = 0.5
RETRY_SECONDS = 5.0

Result = TypeVar("Result")


class RedisUnavailable(Exception):
    """Redis did not answer, or has not answered a moment ago."""


class RedisBreaker:
    """Calls Redis, except for RETRY_SECONDS after a call that failed or took longer than
    TIMEOUT_SECONDS: so no request waits for a Redis that hangs. After that time, one call tries
    whether Redis answers again."""

    def __init__(self) -> None:
        self._retry_at = 0.0

    async def call(self, command: Callable[[], Awaitable[Result]]) -> Result:
        """Returns the result of the command. Raises RedisUnavailable."""
        if self._retry_at:
            if monotonic() < self._retry_at:
                raise RedisUnavailable
            self._retry_at = monotonic() + RETRY_SECONDS
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                result = await command()
        except (RedisError, OSError, TimeoutError) as error:
            if not self._retry_at:
                log.warning(
                    "Redis does not answer; the rates of keys are not limited, and clients have to"
                    " send persisted queries in full",
                    error=error,
                )
            self._retry_at = monotonic() + RETRY_SECONDS
            raise RedisUnavailable from error
        self._retry_at = 0.0
        return result
