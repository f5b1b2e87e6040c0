"""GraphiQL's bundle, servers that serve it, and a headless Chromium."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from starlette.applications import Starlette

from app.domain.api_keys import Role
from app.main import create_app
from app.schema.http import GraphQLView
from app.services.api_keys import ApiKeys
from app.settings import Settings
from app.store import Store
from tests.browser import server_in_thread
from tests.schema.http.fruit_schema import ContextFactory, schema


@pytest.fixture
def bundle(graphiql_bundle: Path) -> Path:
    return graphiql_bundle


@pytest.fixture
def address(bundle: Path) -> Iterator[str]:
    """The URL of a server with a small schema that has a subscription."""
    view = GraphQLView(schema, Settings(_env_file=None), ContextFactory().open_session, bundle)  # type: ignore[call-arg]
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
def program_address_with_key(bundle: Path, settings: Settings) -> Iterator[tuple[str, str]]:
    """The URL of a server with the whole program, which needs a key, and a key of the role READ."""
    settings = settings.model_copy(update={"graphiql_bundle": bundle, "auth": "keys"})
    with server_in_thread(create_app(settings)) as url:
        yield url, asyncio.run(_create_key(settings))


async def _create_key(settings: Settings) -> str:
    store = Store.connect(settings)
    key, _ = await ApiKeys(store).create(Role.READ, None, None, datetime.now(UTC))
    await store.close()
    return key
