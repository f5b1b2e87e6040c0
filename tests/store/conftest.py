"""The program with a mongod that has failpoints, once for all tests of a file."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from app.local.mongod import Mongod
from app.local.valkey import Valkey
from tests.api import Api, running_api
from tests.failpoints import FailingMongod
from tests.local_processes import running_mongod


@pytest.fixture(scope="module")
def failing_mongod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mongod]:
    with running_mongod(tmp_path_factory.mktemp("failing"), FailingMongod) as mongod:
        yield mongod


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(failing_mongod: Mongod, valkey: Valkey) -> AsyncIterator[Api]:
    async with running_api(failing_mongod, valkey) as api:
        yield api
