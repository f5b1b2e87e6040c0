"""Cancels the work for a client that disconnects, or that takes too long."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

from starlette.types import Receive

Result = TypeVar("Result")

DisconnectWaiter = Callable[[], Awaitable[None]]
"""Returns once the client has disconnected."""

DISCONNECT_WATCH_DELAY_SECONDS = 0.05


class ClientDisconnected(Exception):
    """The client disconnected before the result, and the work was cancelled."""


def disconnect_waiter(receive: Receive) -> DisconnectWaiter:
    """Returns a DisconnectWaiter for a request whose body has been read."""
    return partial(_wait_for_disconnect, receive)


async def _wait_for_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def await_while_connected(
    result: Awaitable[Result],
    wait_for_disconnect: DisconnectWaiter | None,
    timeout_seconds: float,
) -> Result:
    """Awaits and returns the result. Cancels it, and raises TimeoutError after `timeout_seconds`,
    or ClientDisconnected once `wait_for_disconnect` returns.

    A coroutine runs in a task of its own: MongoDB ends the reads of a task that ends.
    """
    task = asyncio.ensure_future(result)
    async with asyncio.timeout(timeout_seconds) as timeout:
        if wait_for_disconnect is None:
            return await task
        return await _cancel_on_disconnect(wait_for_disconnect, timeout, task)


async def _cancel_on_disconnect(
    wait_for_disconnect: DisconnectWaiter, deadline: asyncio.Timeout, result: Awaitable[Result]
) -> Result:
    """Awaits the result. A disconnect of the client brings the deadline forward to now."""

    async def cancel_on_disconnect() -> None:
        await wait_for_disconnect()
        deadline.reschedule(loop.time())

    # Most operations end before a watch task pays off.
    loop = asyncio.get_running_loop()
    watch_tasks: list[asyncio.Task[None]] = []
    timer = loop.call_later(
        DISCONNECT_WATCH_DELAY_SECONDS,
        lambda: watch_tasks.append(loop.create_task(cancel_on_disconnect())),
    )
    try:
        return await result
    except asyncio.CancelledError:
        if any(task.done() for task in watch_tasks):
            raise ClientDisconnected from None
        raise
    finally:
        timer.cancel()
        for task in watch_tasks:
            task.cancel()
