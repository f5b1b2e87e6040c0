"""The program with an engine that publishes notifications, behind an HTTP server."""

import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from app.local.mongod import Mongod
from app.local.valkey import Valkey
from app.log_notifications import LogNotifications
from app.main import run_in_background
from tests.api import running_api
from tests.engine.conftest import ShopWithEngine
from tests.npm import REGISTRY_UNREACHABLE
from tests.server import running_server

CLIENTS_FOLDER = Path(__file__).parents[1] / "clients"
RECIPE_FOLDER = Path(__file__).parents[2] / "graphql-schema" / "clients"


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


@pytest.fixture(scope="session")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the front end of tests/clients, the published recipe and their packages."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not on PATH")
    folder = tmp_path_factory.mktemp("clients")
    for source_folder in (CLIENTS_FOLDER, RECIPE_FOLDER):
        shutil.copytree(source_folder, folder, dirs_exist_ok=True)
    installation = subprocess.run(
        [npm, "ci", "--ignore-scripts", "--no-audit", "--loglevel=error"],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if REGISTRY_UNREACHABLE.search(installation.stderr):
        pytest.skip("npm reaches no registry")
    assert installation.returncode == 0, installation.stderr
    return folder
