"""One mongod and one Valkey for the whole session, and a database of its own for each test."""

import gc
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr
from pymongo import MongoClient
from redis import Redis

from app import open_files
from app.graphiql.build import build as build_graphiql
from app.local.mongod import Mongod
from app.local.valkey import Valkey
from app.npm_bundle import install_packages
from app.settings import Settings
from tests.empty_databases import empty_database
from tests.local_processes import running_mongod, running_process
from tests.npm import CLIENTS_FOLDER, RECIPE_FOLDER, skip_without_npm

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

_MEMORY_FOLDER = Path("/dev/shm")
_MIN_FREE_MEMORY_BYTES = 4 * 1024**3


def pytest_configure() -> None:
    """Lets the tests open a thousand sockets, and the databases that they start their files."""
    open_files.raise_soft_limit()


def pytest_collection_finish() -> None:
    """Spares each later garbage collection the objects of thousands of tests."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish() -> None:
    """Shows the objects to plugins again, which may look for what refers to one."""
    gc.unfreeze()


@pytest.fixture(scope="session")
def mongod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mongod]:
    """A mongod for all tests, with its data in memory if there is room: to create and drop a
    database on a disk takes several times as long."""
    if _MEMORY_FOLDER.is_dir() and shutil.disk_usage(_MEMORY_FOLDER).free >= _MIN_FREE_MEMORY_BYTES:
        with (
            tempfile.TemporaryDirectory(dir=_MEMORY_FOLDER, prefix="segments-tests-") as folder,
            running_mongod(Path(folder), Mongod) as mongod,
        ):
            yield mongod
    else:
        with running_mongod(tmp_path_factory.mktemp("mongod"), Mongod) as mongod:
            yield mongod


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    with running_process(Valkey(tmp_path_factory.mktemp("valkey"))) as valkey:
        yield valkey


@pytest.fixture(scope="session")
def graphiql_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("graphiql") / "bundle"
    with skip_without_npm():
        build_graphiql(folder)
    return folder


@pytest.fixture(scope="session")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the front ends of tests/clients, the published recipe and their packages."""
    folder = tmp_path_factory.mktemp("clients")
    for source_folder in (CLIENTS_FOLDER, RECIPE_FOLDER):
        shutil.copytree(
            source_folder,
            folder,
            # What a developer installed there, and what is not part of the tests.
            ignore=shutil.ignore_patterns("node_modules", "codegen"),
            dirs_exist_ok=True,
        )
    with skip_without_npm():
        install_packages(folder)
    return folder


@pytest.fixture(scope="session")
def shared_browser(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Chrome]":
    # Few tests need the driver, which takes long to import.
    from tests.browser import running_browser

    with running_browser(tmp_path_factory.mktemp("browser")) as browser:
        yield browser


@pytest.fixture
def browser(shared_browser: "Chrome") -> "Chrome":
    """The browser as after its start. Each server has its own origin, and so its own storage."""
    from tests.browser import reset_browser

    reset_browser(shared_browser)
    return shared_browser


@pytest.fixture(scope="session")
def mongo_client(mongod: Mongod) -> Iterator[MongoClient[dict[str, object]]]:
    with MongoClient[dict[str, object]](mongod.url) as client:
        yield client


@pytest.fixture(scope="session")
def redis_client(valkey: Valkey) -> Iterator[Redis]:
    with Redis.from_url(valkey.url) as client:
        yield client


@pytest.fixture
def database(mongo_client: MongoClient[dict[str, object]], mongod: Mongod) -> Iterator[str]:
    """The name of an empty database."""
    with empty_database(mongo_client, mongod.url) as name:
        yield name


@pytest.fixture
def own_mongod(tmp_path: Path) -> Iterator[Mongod]:
    """A mongod that the test may kill or stop."""
    with running_mongod(tmp_path / "mongod", Mongod) as mongod:
        yield mongod


@pytest.fixture
def settings(mongod: Mongod, valkey: Valkey, redis_client: Redis, database: str) -> Settings:
    """Settings of the program under test: an empty database, and an empty Valkey."""
    redis_client.flushall()
    return Settings(
        _env_file=None,  # type: ignore[call-arg]
        mongodb_url=SecretStr(mongod.url),
        redis_url=SecretStr(valkey.url),
        database=database,
        auth="off",
    )
