"""Starts child processes, restarts them when they end, and stops them."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from app.backoff import Backoff
from app.errors import SetupError

_POLL_SECONDS = 0.1
_BACKOFF_RESET_SECONDS = 30.0


class SupervisedProcess(Protocol):
    name: str

    @property
    def exit_status(self) -> int | None: ...
    def start(self) -> None: ...
    def wait_until_ready(self) -> None: ...
    def exit_reason(self) -> str: ...
    def stop(self, timeout_seconds: float) -> None: ...


async def start_all(processes: Sequence[SupervisedProcess]) -> None:
    """Starts the processes and returns when all are ready."""
    for process in processes:
        # In the main thread: Linux ends a child when the thread that forked it ends.
        process.start()
    async with asyncio.TaskGroup() as tasks:
        for process in processes:
            tasks.create_task(asyncio.to_thread(process.wait_until_ready))


async def supervise(process: SupervisedProcess, print_line: Callable[[str], None]) -> None:
    """Restarts the process with back-off whenever it ends. Runs until cancelled."""
    clock = asyncio.get_running_loop().time
    backoff = Backoff(initial_seconds=0.25, max_seconds=15)
    while True:
        started_at = clock()
        while process.exit_status is None:  # noqa: ASYNC110 - a process sets no Event
            await asyncio.sleep(_POLL_SECONDS)
        if clock() - started_at > _BACKOFF_RESET_SECONDS:
            backoff.reset()
        print_line(
            f"{process.name} ended with {process.exit_reason()};"
            f" restarting it in {backoff.delay_seconds:g} s"
        )
        await backoff.wait()
        try:
            await start_all([process])
            print_line(f"{process.name} runs again")
        except* (SetupError, OSError) as errors:
            print_line("; ".join(map(str, errors.exceptions)))


async def stop_all(processes: Sequence[SupervisedProcess], timeout_seconds: float) -> None:
    await asyncio.gather(
        *(asyncio.to_thread(process.stop, timeout_seconds) for process in processes)
    )
