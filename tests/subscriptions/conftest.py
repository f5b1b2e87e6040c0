"""The program with an engine that publishes notifications, behind an HTTP server."""

from collections.abc import AsyncIterator

import pytest_asyncio

from app.local.mongod import Mongod
from app.local.valkey import Valkey
from app.log_notifications import LogNotifications
from app.main import run_in_background
from tests.api import running_api
from tests.engine.conftest import ShopWithEngine
from tests.server import running_server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shop(mongod: Mongod, valkey: Valkey) -> AsyncIterator[ShopWithEngine]:
    async with running_api(mongod, valkey) as api:
        shop = ShopWithEngine(api)
        notifications = LogNotifications(api.app.state.redis, api.settings.database)
        async with run_in_background(notifications.publish(shop.start_engine().subscribe())):
            yield shop
        await shop.stop_engine()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def address(shop: ShopWithEngine) -> AsyncIterator[str]:
    """The address of the API, as host:port."""
    async with running_server(shop.api.app) as address:
        yield address
