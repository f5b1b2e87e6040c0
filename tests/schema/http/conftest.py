"""The door in front of a small schema: called in this process, and behind a real uvicorn."""

import asyncio
from collections.abc import AsyncIterator, Iterator, MutableMapping
from socket import socket
from typing import Any

import httpx
import pytest
import structlog
import uvicorn

from app.schema.http import GraphQLView
from app.settings import Settings
from tests.schema.http.small import Contexts, schema

GRAPHQL = "application/graphql-response+json"


@pytest.fixture
def logged() -> Iterator[list[MutableMapping[str, Any]]]:
    """What the program logs."""
    with structlog.testing.capture_logs() as entries:
        yield entries


@pytest.fixture
def contexts() -> Contexts:
    return Contexts()


@pytest.fixture
def view(contexts: Contexts) -> GraphQLView:
    return GraphQLView(schema, _settings(), contexts.make)


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
    server = _Server(
        uvicorn.Config(view, port=0, log_level="critical", lifespan="off", ws="websockets-sansio")
    )
    task = asyncio.create_task(server.serve())
    await server.listening.wait()
    host, port = server.servers[0].sockets[0].getsockname()
    yield f"{host}:{port}"
    server.should_exit = True
    await task


class _Server(uvicorn.Server):
    """Says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()


def _settings() -> Settings:
    """A developer's .env is not the tests'."""
    return Settings(_env_file=None, max_body_bytes=100_000)  # type: ignore[call-arg]
