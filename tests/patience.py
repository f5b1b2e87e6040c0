"""How long a test waits for what should happen soon."""

import asyncio
from collections.abc import Callable

PATIENCE_SECONDS = 50.0
"""Enough for a busy machine, and less than MongoDB takes to end a killed process's transaction."""


async def until(condition: Callable[[], object]) -> None:
    """Waits until the condition holds, which nothing tells."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():  # noqa: ASYNC110 - there is no event for it
            await asyncio.sleep(0.01)
