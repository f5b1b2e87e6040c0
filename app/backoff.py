"""Exponential back-off between retries."""

import asyncio


class Backoff:
    """Doubles the delay after each wait, up to `max_seconds`, until it is reset."""

    def __init__(self, initial_seconds: float = 0.5, max_seconds: float = 10.0) -> None:
        self._initial_seconds = initial_seconds
        self._max_seconds = max_seconds
        self.delay_seconds = initial_seconds

    def reset(self) -> None:
        """Starts again with the initial delay; call it after a success."""
        self.delay_seconds = self._initial_seconds

    def next_delay(self) -> float:
        """Returns the delay in seconds before the next attempt, and doubles it."""
        delay_seconds = self.delay_seconds
        self.delay_seconds = min(2 * delay_seconds, self._max_seconds)
        return delay_seconds

    async def wait(self) -> None:
        await asyncio.sleep(self.next_delay())
