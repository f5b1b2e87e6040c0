"""The dashboard's bundle, the program that serves it, and a headless Chromium."""

import asyncio
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from selenium.webdriver import Chrome

from app.dashboard.build import bundle_sources, copy_sources
from app.domain.api_keys import Role
from app.main import create_app
from app.npm_bundle import install_packages
from app.services.api_keys import ApiKeys
from app.settings import Settings
from app.store import Store
from tests.browser import server_in_thread
from tests.dashboard.dashboard import Dashboard
from tests.local.conftest import port, run_forked, run_program
from tests.npm import skip_without_npm

__all__ = ["port", "run_forked", "run_program"]

SETUP_SECONDS = 300
"""The timeout of a test that may be the first one: it then waits for npm, too."""

RoleKeys = dict[Role, str]

_SCHEMA_FILE = Path(__file__).parents[2] / "graphql-schema" / "schema.graphql"


@dataclass(frozen=True)
class Workshop:
    """A copy of the sources with installed packages, as deep below the schema as in a checkout."""

    sources: Path
    bundle: Path

    @property
    def axe(self) -> str:
        """The script of axe-core, which finds problems of accessibility."""
        return (self.sources / "node_modules" / "axe-core" / "axe.min.js").read_text()


@pytest.fixture(scope="session")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """Installs the packages and builds the bundle, once for all tests."""
    root = tmp_path_factory.mktemp("dashboard")
    sources = root / "app" / "dashboard"
    sources.mkdir(parents=True)
    (root / "graphql-schema").mkdir()
    shutil.copy(_SCHEMA_FILE, root / "graphql-schema")
    copy_sources(sources)
    with skip_without_npm():
        install_packages(sources)
        bundle = bundle_sources(sources)
    return Workshop(sources, bundle)


@pytest.fixture
def dashboard(workshop: Workshop, settings: Settings, browser: Chrome) -> Iterator[Dashboard]:
    """The program with an empty database, and a browser."""
    app = create_app(settings.model_copy(update={"dashboard_bundle": workshop.bundle}))
    with server_in_thread(app) as url:
        yield Dashboard(url, browser, workshop.axe)
        # The server waits for open connections when it stops.
        browser.get("about:blank")


async def _create_keys(settings: Settings) -> RoleKeys:
    store = Store.connect(settings)
    keys = {
        role: (await ApiKeys(store).create(role, None, None, datetime.now(UTC)))[0]
        for role in (Role.ADMIN, Role.READ, Role.CHECK)
    }
    await store.close()
    return keys


@pytest.fixture
def locked_dashboard(
    workshop: Workshop, settings: Settings, browser: Chrome
) -> Iterator[tuple[Dashboard, RoleKeys]]:
    """The dashboard of a server that needs keys, and a key of each of three roles."""
    settings = settings.model_copy(update={"dashboard_bundle": workshop.bundle, "auth": "keys"})
    with server_in_thread(create_app(settings)) as url:
        keys = asyncio.run(_create_keys(settings))
        yield Dashboard(url, browser, workshop.axe, keys[Role.ADMIN]), keys
        browser.get("about:blank")
