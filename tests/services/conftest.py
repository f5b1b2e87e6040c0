"""The program, once for all tests of a file; each test uses its own customers. `loyalty_client` is
of a program of the test's own, whose log is empty."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from app.local.mongod import Mongod
from app.local.valkey import Valkey
from tests.api import Api, running_api
from tests.loyalty_client import LoyaltyClient
from tests.services.member_pair import MemberPair, running_pair


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(mongod: Mongod, valkey: Valkey) -> AsyncIterator[Api]:
    # A test compares all members of many segments at once.
    async with running_api(mongod, valkey, max_operation_cost=10**9) as api:
        yield api


@pytest.fixture
async def loyalty_client(mongod: Mongod, valkey: Valkey) -> AsyncIterator[LoyaltyClient]:
    async with running_api(mongod, valkey) as api:
        yield LoyaltyClient(api)


@pytest.fixture
def members(tmp_path: Path) -> Iterator[MemberPair]:
    with running_pair(tmp_path) as pair:
        yield pair
