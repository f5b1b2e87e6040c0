"""The HTTP layer with a small schema, called in this process and behind a real uvicorn."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, MutableMapping
from typing import Any

import httpx
import pytest
import structlog
import uvloop
from starlette.applications import Starlette

from app.schema.http import GraphQLView
from app.settings import Settings
from tests.schema.http.fruit_schema import ContextFactory, schema
from tests.server import running_server

LoopFactory = Callable[[], asyncio.AbstractEventLoop]

GRAPHQL = "application/graphql-response+json"


def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, LoopFactory]:
    """`segments api` runs on uvloop. Only how a server stops depends on the loop."""
    factories: dict[str, LoopFactory] = {"asyncio": asyncio.new_event_loop}
    if item.path.name == "test_graceful_stop.py":
        factories["uvloop"] = uvloop.new_event_loop
    return factories


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


@pytest.fixture
def no_server_errors(address: str, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Fails the test if uvicorn or asyncio logs an error: each is a fault of the program."""
    # uvicorn sets the level of its logger, and hides it from others.
    logger = logging.getLogger("uvicorn.error")
    logger.setLevel(logging.ERROR)
    logger.addHandler(caplog.handler)
    yield
    logger.removeHandler(caplog.handler)
    records = caplog.get_records("call")
    errors = [record.getMessage() for record in records if record.levelno >= logging.ERROR]
    assert errors == [], address


def _settings() -> Settings:
    """Keeps a developer's .env away from the tests."""
    return Settings(_env_file=None, max_body_bytes=100_000)  # type: ignore[call-arg]
