"""The HTTP layer with a small schema, called in this process and behind a real uvicorn."""

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


async def execute(client: httpx.AsyncClient, query: str, **variables: Any) -> httpx.Response:
    """Sends an operation with these variables."""
    return await client.post("/graphql", json={"query": query, "variables": variables})


@pytest.fixture
def log_entries() -> Iterator[list[MutableMapping[str, Any]]]:
    """The log lines of the program."""
    with structlog.testing.capture_logs() as entries:
        yield entries


@pytest.fixture
def context_factory() -> ContextFactory:
    return ContextFactory()


@pytest.fixture
def view(context_factory: ContextFactory) -> GraphQLView:
    return GraphQLView(schema, _settings(), context_factory.open_session)


@pytest.fixture
async def client(view: GraphQLView) -> AsyncIterator[httpx.AsyncClient]:
    """A client that accepts application/graphql-response+json."""
    transport = httpx.ASGITransport(view)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://door", headers={"Accept": GRAPHQL}
    ) as client:
        yield client


@pytest.fixture
async def address(view: GraphQLView) -> AsyncIterator[str]:
    """The address of a real server, as host:port."""
    async with running_server(Starlette(routes=view.routes())) as address:
        yield address


def _settings() -> Settings:
    """Keeps a developer's .env away from the tests."""
    return Settings(_env_file=None, max_body_bytes=100_000)  # type: ignore[call-arg]
