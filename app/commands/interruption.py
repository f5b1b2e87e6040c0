"""Ends a command at once when a signal arrives, and says how far it came."""

import asyncio
import os
import signal
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn

import typer


class Interruption(Exception):
    """A signal stopped the work. `outcome` says how far it came."""

    def __init__(self, signal_number: int, outcome: str) -> None:
        self.signal_number = signal_number
        self.outcome = outcome

    def exit(self) -> NoReturn:
        """Prints the outcome and ends the process with 128 plus the signal."""
        typer.echo(f"segments: interrupted: {self.outcome}", err=True)
        # A normal exit would wait for a thread that reads from or writes to a pipe.
        os._exit(128 + self.signal_number)


async def run_until_signal(
    coroutine: Coroutine[Any, Any, None],
    describe_outcome: Callable[[], str],
    max_cleanup_seconds: float | None = None,
) -> None:
    """Runs the coroutine; cancels it and raises Interruption when SIGINT or SIGTERM arrives.

    Waits until the cancelled coroutine has ended, but at most `max_cleanup_seconds` if given.
    """
    task = asyncio.create_task(coroutine)
    loop = asyncio.get_running_loop()
    received_signal: asyncio.Future[int] = loop.create_future()

    def stop(signal_number: int) -> None:
        if not received_signal.done():
            received_signal.set_result(signal_number)

    for signal_number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signal_number, stop, signal_number)
    awaited: set[asyncio.Future[Any]] = {task, received_signal}
    await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        return task.result()
    task.cancel()
    await asyncio.wait({task}, timeout=max_cleanup_seconds)
    raise Interruption(received_signal.result(), describe_outcome())
