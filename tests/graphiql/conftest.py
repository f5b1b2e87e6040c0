"""GraphiQL's bundle, servers that serve it, and a headless Chromium."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver import Chrome
from starlette.applications import Starlette

from app.graphiql.build import build
from app.main import create_app
from app.schema.http import GraphQLView
from app.settings import Settings
from tests.browser import running_browser, server_in_thread
from tests.npm import skip_without_npm
from tests.schema.http.fruit_schema import ContextFactory, schema


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("graphiql") / "bundle"
    with skip_without_npm():
        build(folder)
    return folder


@pytest.fixture
def address(bundle: Path) -> Iterator[str]:
    """The URL of a server with a small schema that has a subscription."""
    view = GraphQLView(schema, Settings(_env_file=None), ContextFactory().create_context, bundle)  # type: ignore[call-arg]
    with server_in_thread(Starlette(routes=view.routes())) as url:
        yield url


@pytest.fixture
def program_address(bundle: Path, settings: Settings) -> Iterator[str]:
    """The URL of a server with the whole program."""
    with server_in_thread(
        create_app(settings.model_copy(update={"graphiql_bundle": bundle}))
    ) as url:
        yield url


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Chrome]:
    with running_browser(tmp_path) as browser:
        yield browser
