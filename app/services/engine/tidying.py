"""What the engine leaves behind, removed a little at a time."""

import asyncio

from app.store import Store

_SECONDS = 2.0
_SWEPT = 100


async def tidy(store: Store) -> None:
    """For ever: removes what deleted customers have left, and definitions that all have passed."""
    while True:
        swept = await store.departures.sweep(_SWEPT)
        passed = await store.partitions.passed_by_all()
        await store.active_filters.forget(passed)
        await store.partitions.forget_steps(passed)
        if swept < _SWEPT:
            await asyncio.sleep(_SECONDS)
