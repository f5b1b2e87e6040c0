"""Poll loops for readers of the transition log: a signal wakes them early."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from app.backoff import Backoff
from app.store import DatabaseError

log = structlog.get_logger()


class Signal:
    """Wakes all its subscribers in this process."""

    def __init__(self) -> None:
        self._events: list[asyncio.Event] = []

    def subscribe(self) -> asyncio.Event:
        """Returns a new event that notify() sets. The subscriber clears it: see wait()."""
        event = asyncio.Event()
        self._events.append(event)
        return event

    def notify(self) -> None:
        for event in self._events:
            event.set()


async def wait(event: asyncio.Event, timeout_seconds: float | None) -> None:
    """Waits until the event is set, and clears it. Returns after the timeout if there is one."""
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
    """Runs until it is cancelled: calls `read_batch` while it returns True, that there may be more,
    then awaits `wait_for_more`.

    An error of MongoDB is logged as `outage_message`, and the read is retried with a back-off.
    """
    backoff = Backoff()
    while True:
        try:
            while await read_batch():
                backoff.reset()
        except DatabaseError as error:
            log.warning(outage_message, error=error, retry_in_seconds=backoff.delay_seconds)
            await backoff.wait()
        else:
            backoff.reset()
            await wait_for_more()
