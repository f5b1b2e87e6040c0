"""The program with an engine that announces what it commits, behind a real server."""

from collections.abc import AsyncIterator

import pytest_asyncio

from app.local.mongod import Mongod
from app.local.valkey import Valkey
from tests.api import running
from tests.engine.conftest import Shop
from tests.server import serving


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shop(mongod: Mongod, valkey: Valkey) -> AsyncIterator[Shop]:
    async with running(mongod, valkey) as api:
        shop = Shop(api)
        shop.wake()
        yield shop
        await shop.sleep()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def address(shop: Shop) -> AsyncIterator[str]:
    """Where the API listens, as host:port."""
    async with serving(shop.api.app) as address:
        yield address
