"""Tasks that end when they are cancelled, whatever they do."""

import asyncio
from collections.abc import Collection, Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


async def run_in_own_task(
    coroutine: Coroutine[Any, Any, Result], cancel_again_seconds: float = 5.0
) -> Result:
    """Runs the coroutine in a task of its own, and returns its result. If the caller is cancelled,
    so is the task, again if it goes on; the caller gets CancelledError in any case.

    A loop that retries must not await its work itself. A failure of a cleanup, or of a task in a
    group, takes the place of a cancellation, and asyncio.wait_for() drops some until Python 3.12.
    Nor can the loop ask its own task: when a task of a group fails while the group waits for the
    others, `cancelling()` stays above 0.
    """
    task = asyncio.create_task(coroutine)
    try:
        await asyncio.wait({task})
        return await task
    finally:
        await cancel_until_done({task}, cancel_again_seconds)


async def cancel_until_done(
    tasks: Collection[asyncio.Task[Any]], cancel_again_seconds: float = 5.0
) -> None:
    """Cancels the tasks, again those that go on, and returns when all have ended. Ignores their
    errors."""
    while running := {task for task in tasks if not task.done()}:
        for task in running:
            task.cancel()
        await asyncio.wait(running, timeout=cancel_again_seconds)
    # Marks the exceptions as retrieved; asyncio would log them.
    await asyncio.gather(*tasks, return_exceptions=True)
