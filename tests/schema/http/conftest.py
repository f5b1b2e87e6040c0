"""The door in front of a small schema: called in this process, and behind a real uvicorn."""

from collections.abc import AsyncIterator, Iterator, MutableMapping
from typing import Any

import httpx
import pytest
import structlog
from starlette.applications import Starlette

from app.schema.http import GraphQLView
from app.settings import Settings
from tests.schema.http.fruit_schema import ContextFactory, schema
from tests.server import running_server

GRAPHQL = "application/graphql-response+json"


@pytest.fixture
def log_entries() -> Iterator[list[MutableMapping[str, Any]]]:
    """What the program logs."""
    with structlog.testing.capture_logs() as entries:
        yield entries


@pytest.fixture
def context_factory() -> ContextFactory:
    return ContextFactory()


@pytest.fixture
def view(context_factory: ContextFactory) -> GraphQLView:
    return GraphQLView(schema, _settings(), context_factory.create_context)


@pytest.fixture
async def client(view: GraphQLView) -> AsyncIterator[httpx.AsyncClient]:
    """Understands application/graphql-response+json."""
    transport = httpx.ASGITransport(view)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://door", headers={"Accept": GRAPHQL}
    ) as client:
        yield client


@pytest.fixture
async def address(view: GraphQLView) -> AsyncIterator[str]:
    """Where a real server listens, as host:port."""
    async with running_server(Starlette(routes=view.routes())) as address:
        yield address


def _settings() -> Settings:
    """A developer's .env is not the tests'."""
    return Settings(_env_file=None, max_body_bytes=100_000)  # type: ignore[call-arg]
