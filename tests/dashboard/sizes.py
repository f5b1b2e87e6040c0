"""Sizes of segments, as workers count them."""

import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial

from app.domain.segment_sizes import SegmentSize
from app.settings import Settings
from app.store import Store


def add_sizes(settings: Settings, segment_id: str, counts_by_age: dict[timedelta, int]) -> None:
    """Adds sizes, the oldest first, by how long ago they were counted."""
    asyncio.run(_add_sizes(settings, segment_id, counts_by_age))


async def _add_sizes(
    settings: Settings, segment_id: str, counts_by_age: dict[timedelta, int]
) -> None:
    store = Store.connect(settings)
    now = datetime.now(UTC).replace(microsecond=0)
    for age, count in counts_by_age.items():
        at = now - age
        add = partial(store.segment_sizes.add, segment_id, at, SegmentSize(at, count), at)
        await store.transaction(add)
    await store.close()
