"""The program with an engine that announces what it commits, behind a real server."""

import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from app.announcements import Announcements
from app.local.mongod import Mongod
from app.local.valkey import Valkey
from app.main import beside
from tests.api import running
from tests.engine.conftest import Shop
from tests.graphiql.conftest import NO_REGISTRY
from tests.server import serving

CLIENTS = Path(__file__).parents[1] / "clients"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shop(mongod: Mongod, valkey: Valkey) -> AsyncIterator[Shop]:
    async with running(mongod, valkey) as api:
        shop = Shop(api)
        news = Announcements(api.app.state.redis, api.settings.database)
        async with beside(news.tell(shop.wake().ear())):
            yield shop
        await shop.sleep()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def address(shop: Shop) -> AsyncIterator[str]:
    """Where the API listens, as host:port."""
    async with serving(shop.api.app) as address:
        yield address


@pytest.fixture(scope="session")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the front end of tests/clients stands with the packages that it needs."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not on PATH")
    folder = tmp_path_factory.mktemp("clients")
    shutil.copytree(CLIENTS, folder, dirs_exist_ok=True)
    installed = subprocess.run(
        [npm, "ci", "--ignore-scripts", "--no-audit", "--loglevel=error"],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if NO_REGISTRY.search(installed.stderr):
        pytest.skip("npm reaches no registry")
    assert installed.returncode == 0, installed.stderr
    return folder
