"""Who waits for something looks again each second or so, and at once when woken."""

import asyncio


class Bell:
    """Wakes all who listen for it."""

    def __init__(self) -> None:
        self._ears: list[asyncio.Event] = []

    def ear(self) -> asyncio.Event:
        """An event of the listener's own: set when the bell rings, cleared by who hears it."""
        ear = asyncio.Event()
        self._ears.append(ear)
        return ear

    def ring(self) -> None:
        for ear in self._ears:
            ear.set()


async def woken(ear: asyncio.Event, seconds: float | None) -> None:
    """Returns once the event is set, or after so long; None is for ever."""
    try:
        async with asyncio.timeout(seconds):
            await ear.wait()
    except TimeoutError:
        pass
