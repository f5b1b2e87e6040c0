"""The program, once for all tests of a file; each test uses its own customers."""

from collections.abc import AsyncIterator

import pytest_asyncio

from app.local.mongod import Mongod
from app.local.valkey import Valkey
from tests.api import Api, running_api


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(mongod: Mongod, valkey: Valkey) -> AsyncIterator[Api]:
    # A test compares all members of many segments at once.
    async with running_api(mongod, valkey, max_operation_cost=10**9) as api:
        yield api
