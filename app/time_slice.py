"""Splits long computations, so that they do not block the event loop."""

import asyncio
from time import monotonic

DEFAULT_SLICE_SECONDS = 0.005


class TimeSlice:
    """Limits how long some work may block the event loop in one iteration.

    The limit holds for all tasks that share the instance. The work awaits `yield_when_spent` before
    each small step.
    """

    def __init__(self, seconds: float = DEFAULT_SLICE_SECONDS) -> None:
        self._seconds = seconds
        self._loop: asyncio.AbstractEventLoop | None = None
        self._started_at: float | None = None

    async def yield_when_spent(self) -> None:
        """Returns at once while time is left, else in a later iteration of the event loop."""
        while not self._has_time():  # noqa: ASYNC110 - other tasks may spend the slice
            await asyncio.sleep(0)

    def _has_time(self) -> bool:
        loop = asyncio.get_running_loop()
        if loop is not self._loop or self._started_at is None:
            self._loop, self._started_at = loop, monotonic()
            # Runs in the next iteration, before the tasks that sleep until then.
            loop.call_soon(self._reset, loop)
            return True
        return monotonic() - self._started_at < self._seconds

    def _reset(self, loop: asyncio.AbstractEventLoop) -> None:
        if loop is self._loop:
            self._started_at = None
