"""How long to wait before something that has failed is tried again."""

import asyncio


class Backoff:
    """Twice as long each time that it is waited, until all is well again."""

    def __init__(self, initial_seconds: float = 0.5, max_seconds: float = 10.0) -> None:
        self._initial_seconds = initial_seconds
        self._max_seconds = max_seconds
        self.delay_seconds = initial_seconds

    def reset(self) -> None:
        """All is well again."""
        self.delay_seconds = self._initial_seconds

    async def wait(self) -> None:
        await asyncio.sleep(self.delay_seconds)
        self.delay_seconds = min(2 * self.delay_seconds, self._max_seconds)
