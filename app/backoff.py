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
        """Waits for the delay. Raises CancelledError at once if the task has been cancelled.

        A failure of a task's cleanup, or of a task in its group, takes the place of a cancellation:
        without this, a loop that retries after a failure would go on for ever.
        """
        if is_cancelled():
            raise asyncio.CancelledError
        await asyncio.sleep(self.next_delay())


def is_cancelled() -> bool:
    """Whether the current task has been cancelled, even if it goes on."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
