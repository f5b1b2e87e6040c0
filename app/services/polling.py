"""Who reads the log of transitions looks again each second or so, and at once when woken."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from app.backoff import Backoff
from app.store import DatabaseError

log = structlog.get_logger()


class Signal:
    """Wakes all who listen for it."""

    def __init__(self) -> None:
        self._events: list[asyncio.Event] = []

    def subscribe(self) -> asyncio.Event:
        """An event of the listener's own: set when the bell rings, cleared by who hears it."""
        event = asyncio.Event()
        self._events.append(event)
        return event

    def notify(self) -> None:
        for event in self._events:
            event.set()


async def wait(event: asyncio.Event, timeout_seconds: float | None) -> None:
    """Returns once the event is set, and clears it, or after so long; None is for ever."""
    try:
        async with asyncio.timeout(timeout_seconds):
            await event.wait()
    except TimeoutError:
        pass
    event.clear()


async def poll_forever(
    read_batch: Callable[[], Awaitable[bool]],
    wait_for_more: Callable[[], Awaitable[None]],
    outage_message: str,
) -> None:
    """For ever: reads on while there is more, then rests. Without MongoDB it complains, and tries
    again after a while."""
    backoff = Backoff()
    while True:
        try:
            while await read_batch():
                backoff.reset()
        except DatabaseError as error:
            log.warning(outage_message, error=error, again_in_seconds=backoff.delay_seconds)
            await backoff.wait()
        else:
            backoff.reset()
            await wait_for_more()
