"""The door in front of a small schema: called in this process, and behind a real uvicorn."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
import uvicorn

from app.schema.http import GraphQLView
from app.settings import Settings
from tests.schema.http.small import Contexts, schema

GRAPHQL = "application/graphql-response+json"


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
    async with serving(view) as address:
        yield address


@asynccontextmanager
async def serving(view: GraphQLView) -> AsyncIterator[str]:
    server = uvicorn.Server(
        uvicorn.Config(view, port=0, log_level="critical", lifespan="off", ws="websockets-sansio")
    )
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0)
    host, port = server.servers[0].sockets[0].getsockname()
    try:
        yield f"{host}:{port}"
    finally:
        server.should_exit = True
        await task


def _settings(**values: object) -> Settings:
    return Settings(_env_file=None, max_body_bytes=100_000, **values)  # type: ignore[call-arg, arg-type]
