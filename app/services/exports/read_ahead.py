"""Reads from a generator ahead of its consumer."""

import asyncio
from collections.abc import AsyncGenerator
from typing import TypeVar

Item = TypeVar("Item")


async def read_ahead(source: AsyncGenerator[Item, None]) -> AsyncGenerator[Item, None]:
    """Yields the items of `source`, and reads the next one while the consumer handles an item."""
    task = asyncio.create_task(anext(source, None))
    try:
        while (item := await asyncio.shield(task)) is not None:
            task = asyncio.create_task(anext(source, None))
            yield item
    finally:
        # Cancelling would not stop the driver's thread, which uses the cursor of `source`.
        await asyncio.wait({task})
        if not task.cancelled():
            # Marks the exception as retrieved; asyncio would log it.
            task.exception()
        await source.aclose()
