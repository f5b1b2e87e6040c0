"""An operation ends at its deadline, and when its client disconnects."""

import asyncio

import httpx
import pytest

from app.schema.http import GraphQLView
from app.settings import Settings
from tests.schema.http.fruit_schema import ContextFactory, schema

GRAPHQL = "application/graphql-response+json"


async def test_an_operation_that_takes_too_long_is_cancelled(
    context_factory: ContextFactory,
) -> None:
    settings = Settings(_env_file=None, operation_seconds=0.05)  # type: ignore[call-arg]
    transport = httpx.ASGITransport(GraphQLView(schema, settings, context_factory.open_session))
    async with httpx.AsyncClient(transport=transport, base_url="http://door") as client:
        answer = await client.post(
            "/graphql", json={"query": "{ slow }"}, headers={"Accept": GRAPHQL}
        )

    assert answer.status_code == 294
    assert answer.json() == {
        "errors": [
            {
                "message": "The operation took longer than 0.05 seconds.",
                "extensions": {"code": "TIMEOUT"},
            }
        ],
        "data": None,
    }
    assert context_factory.stopped.is_set()


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_client_that_leaves_cancels_its_operation(
    address: str, context_factory: ContextFactory, method: str
) -> None:
    async with httpx.AsyncClient() as client:
        request = asyncio.create_task(
            client.get(f"http://{address}/graphql", params={"query": "{ slow }"})
            if method == "GET"
            else client.post(f"http://{address}/graphql", json={"query": "{ slow }"})
        )
        await context_factory.started.wait()
        request.cancel()
        await asyncio.wait([request])

    await asyncio.wait_for(context_factory.stopped.wait(), 10)


async def test_a_client_that_leaves_in_the_middle_of_its_body_is_forgotten(address: str) -> None:
    host, port = address.split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    writer.write(
        b"POST /graphql HTTP/1.1\r\nHost: door\r\nContent-Type: application/json\r\n"
        b"Content-Length: 100\r\n\r\n{"
    )
    await writer.drain()
    writer.close()
    await writer.wait_closed()

    async with httpx.AsyncClient() as client:
        answer = await client.get(f"http://{address}/graphql", params={"query": "{ number }"})
    assert answer.json() == {"data": {"number": 1}}
