"""Runs a coroutine so that no cancellation of its caller is lost."""

import asyncio
from collections.abc import Coroutine
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
        while not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=cancel_again_seconds)
        if not task.cancelled():
            # Marks the exception as retrieved; asyncio would log it.
            task.exception()
