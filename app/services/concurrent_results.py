"""Runs many queries, a few at a time."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


async def gather_results(
    run: Callable[[Item], Awaitable[Result]], items: Iterable[Item], max_concurrency: int
) -> list[Result | BaseException]:
    """Awaits `run` for each item, at most `max_concurrency` at a time. Returns each result, or the
    exception that it raised, in the order of the items."""
    semaphore = asyncio.Semaphore(max_concurrency)

    async def run_when_free(item: Item) -> Result:
        async with semaphore:
            return await run(item)

    return await asyncio.gather(*map(run_when_free, items), return_exceptions=True)
