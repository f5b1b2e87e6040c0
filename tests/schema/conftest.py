"""The whole program, started once for each test file. Each test has its own customers."""

from collections.abc import AsyncIterator

import pytest_asyncio

from app.local.mongod import Mongod
from app.local.valkey import Valkey
from tests.api import Api, running_api
from tests.loyalty_client import LoyaltyClient


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(mongod: Mongod, valkey: Valkey) -> AsyncIterator[Api]:
    async with running_api(mongod, valkey) as api:
        yield api


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def loyalty_client(api: Api) -> LoyaltyClient:
    return LoyaltyClient(api)
