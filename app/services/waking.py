"""Who reads the log of transitions looks again each second or so, and at once when woken."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from app.backoff import Backoff
from app.store import DatabaseError

log = structlog.get_logger()


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
    """Returns once the event is set, and clears it, or after so long; None is for ever."""
    try:
        async with asyncio.timeout(seconds):
            await ear.wait()
    except TimeoutError:
        pass
    ear.clear()


async def keep_reading(
    read_on: Callable[[], Awaitable[bool]], rest: Callable[[], Awaitable[None]], complaint: str
) -> None:
    """For ever: reads on while there is more, then rests. Without MongoDB it complains, and tries
    again after a while."""
    backoff = Backoff()
    while True:
        try:
            while await read_on():
                backoff.reset()
        except DatabaseError as error:
            log.warning(complaint, error=error, again_in_seconds=backoff.seconds)
            await backoff.wait()
        else:
            backoff.reset()
            await rest()
