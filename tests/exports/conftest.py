"""The whole program, started once for each test file; and databases for imports."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from pymongo import MongoClient

from app.local.mongod import Mongod
from app.local.valkey import Valkey
from app.services import Services
from app.settings import Settings
from app.store import Store, member_windows
from tests.api import Api, running_api
from tests.exports.export_shop import ExportShop
from tests.imports.conftest import ImportShop


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(mongod: Mongod, valkey: Valkey) -> AsyncIterator[Api]:
    async with running_api(mongod, valkey) as api:
        yield api


@pytest_asyncio.fixture
async def shop(
    mongod: Mongod, valkey: Valkey, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[ExportShop]:
    """The program with an empty database; a test does the work of the worker itself. A batch of
    an export has 1,000 customers."""
    monkeypatch.setattr(member_windows, "_DOCUMENTS_PER_BATCH", 1_000)
    async with running_api(mongod, valkey) as api:
        yield ExportShop(api)


@pytest_asyncio.fixture
async def import_shops(
    settings: Settings, mongo_client: MongoClient[Any], tmp_path: Path
) -> AsyncIterator[Sequence[ImportShop]]:
    """Two empty databases, into which a test imports files."""
    async with AsyncExitStack() as exit_stack:
        shops = []
        for _ in range(2):
            name = f"test_{uuid4().hex}"
            exit_stack.callback(mongo_client.drop_database, name)
            shop_settings = settings.model_copy(update={"database": name})
            store = await Store.open(shop_settings)
            exit_stack.push_async_callback(store.close)
            services = Services(store, shop_settings)
            shops.append(ImportShop(services, shop_settings, tmp_path, mongo_client[name]))
        yield shops
