"""GraphiQL's bundle, servers that serve it, and a headless Chromium."""

import asyncio
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from socket import socket
from threading import Event, Thread

import pytest
import uvicorn
from selenium.webdriver import Chrome, ChromeOptions, ChromeService
from starlette.applications import Starlette

from app.domain.api_keys import Role
from app.errors import SetupError
from app.graphiql.build import build
from app.main import create_app
from app.schema.http import GraphQLView
from app.services.api_keys import ApiKeys
from app.settings import Settings
from app.store import Store
from tests.schema.http.fruit_schema import ContextFactory, schema

REGISTRY_UNREACHABLE = re.compile("ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ENETUNREACH")


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("npm") is None:
        pytest.skip("npm is not on PATH")
    folder = tmp_path_factory.mktemp("graphiql") / "bundle"
    try:
        build(folder)
    except SetupError as error:
        if REGISTRY_UNREACHABLE.search(str(error)):
            pytest.skip("npm reaches no registry")
        raise
    return folder


@pytest.fixture
def address(bundle: Path) -> Iterator[str]:
    """The URL of a server with a small schema that has a subscription."""
    view = GraphQLView(schema, Settings(_env_file=None), ContextFactory().open_session, bundle)  # type: ignore[call-arg]
    with _running_server(Starlette(routes=view.routes())) as url:
        yield url


@pytest.fixture
def program_address(bundle: Path, settings: Settings) -> Iterator[str]:
    """The URL of a server with the whole program."""
    with _running_server(
        create_app(settings.model_copy(update={"graphiql_bundle": bundle}))
    ) as url:
        yield url


@pytest.fixture
def program_address_with_key(bundle: Path, settings: Settings) -> Iterator[tuple[str, str]]:
    """The URL of a server with the whole program, which needs a key, and a key of the role READ."""
    settings = settings.model_copy(update={"graphiql_bundle": bundle, "auth": "keys"})
    with _running_server(create_app(settings)) as url:
        yield url, asyncio.run(_create_key(settings))


async def _create_key(settings: Settings) -> str:
    store = Store.connect(settings)
    key, _ = await ApiKeys(store).create(Role.READ, None, None, datetime.now(UTC))
    await store.close()
    return key


@contextmanager
def _running_server(app: Starlette) -> Iterator[str]:
    server = _SignalingServer(
        uvicorn.Config(app, port=0, log_level="critical", lifespan="on", ws="websockets-sansio")
    )
    thread = Thread(target=server.run)
    thread.start()
    assert server.is_listening.wait(10)
    host, port = server.servers[0].sockets[0].getsockname()
    yield f"http://{host}:{port}"
    server.should_exit = True
    thread.join()


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Chrome]:
    """A headless Chromium with an empty profile and a log of its requests."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not chromium or not driver:
        pytest.skip("chromium and its driver are not on PATH")
    options = ChromeOptions()
    options.binary_location = chromium
    for argument in (
        "headless",
        "no-sandbox",
        "disable-gpu",
        "disable-quic",
        "no-first-run",
        "disable-background-networking",
        "disable-component-update",
        "disable-sync",
        "window-size=1400,900",
        f"user-data-dir={tmp_path}",
    ):
        options.add_argument(f"--{argument}")
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    browser = Chrome(options, ChromeService(driver))
    yield browser
    browser.quit()


class _SignalingServer(uvicorn.Server):
    """Sets `is_listening` once the server accepts connections."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.is_listening = Event()

    async def startup(self, sockets: list[socket] | None = None) -> None:
        await super().startup(sockets)
        self.is_listening.set()
