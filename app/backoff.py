"""How long to wait before something that has failed is tried again."""

import asyncio


class Backoff:
    """Twice as long each time that it is waited, until all is well again."""

    def __init__(self, first: float = 0.5, longest: float = 10.0) -> None:
        self._first = first
        self._longest = longest
        self.seconds = first

    def reset(self) -> None:
        """All is well again."""
        self.seconds = self._first

    async def wait(self) -> None:
        await asyncio.sleep(self.seconds)
        self.seconds = min(2 * self.seconds, self._longest)
