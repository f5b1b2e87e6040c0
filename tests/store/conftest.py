"""The program over a mongod that fails when told to, once for all tests of a file."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from app.local.mongod import Mongod
from app.local.valkey import Valkey
from app.settings import Settings
from tests.api import Api, running_api
from tests.failpoints import FailingMongod
from tests.local_processes import running_process


@pytest.fixture(scope="module")
def failing_mongod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mongod]:
    settings = Settings(_env_file=None, oplog_mib=990)  # type: ignore[call-arg]
    with running_process(FailingMongod(tmp_path_factory.mktemp("failing"), settings)) as part:
        yield part


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(failing_mongod: Mongod, valkey: Valkey) -> AsyncIterator[Api]:
    async with running_api(failing_mongod, valkey) as api:
        yield api
