"""The store as it is opened."""

import asyncio

from app.settings import Settings
from app.store import Store


async def test_many_processes_may_open_a_new_store_at_once(settings: Settings) -> None:
    stores = await asyncio.gather(*(Store.open(settings) for _ in range(8)))

    for store in stores:
        await store.ping()
        await store.close()
