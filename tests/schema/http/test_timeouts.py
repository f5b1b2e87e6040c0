"""An operation ends at its deadline, and when its client disconnects."""

import asyncio

import httpx
import pytest

from app import http_protocol
from app.schema.http import GraphQLView
from app.settings import Settings
from tests.patience import PATIENCE_SECONDS
from tests.schema.http.fruit_schema import ContextFactory, schema

GRAPHQL = "application/graphql-response+json"
UPGRADE = (
    b"POST /graphql HTTP/1.1\r\nHost: door\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n"
    b"Content-Type: application/json\r\nContent-Length: 20\r\n\r\n{"
)


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
        "extensions": {"cost": 1},
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

    await asyncio.wait_for(context_factory.stopped.wait(), PATIENCE_SECONDS)


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
    assert answer.json() == {"data": {"number": 1}, "extensions": {"cost": 1}}


@pytest.mark.parametrize(
    ("sent", "part"),
    [
        (b"", "headers"),
        (b"POST /graphql HTTP/1.1\r\nHost: door\r\n", "headers"),
        (
            b"POST /graphql HTTP/1.1\r\nHost: door\r\nContent-Type: application/json\r\n"
            b"Content-Length: 20\r\n\r\n{",
            "body",
        ),
        (UPGRADE, "body"),
        # A second request on the connection.
        (b"GET /graphql?query={number} HTTP/1.1\r\nHost: door\r\n\r\nGET /", "headers"),
    ],
    ids=["silence", "headers", "a body", "an upgrade", "later headers"],
)
async def test_what_does_not_arrive_in_time_is_refused(
    address: str, monkeypatch: pytest.MonkeyPatch, sent: bytes, part: str
) -> None:
    monkeypatch.setattr(http_protocol, "HEADER_TIMEOUT_SECONDS", 0.2)
    monkeypatch.setattr(http_protocol, "BODY_TIMEOUT_SECONDS", 0.2)
    host, port = address.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(sent)

    answer = await asyncio.wait_for(reader.read(), PATIENCE_SECONDS)

    assert b"HTTP/1.1 408 Request Timeout" in answer
    assert answer.endswith(f"The {part} did not arrive within 0.2 seconds.".encode())
    writer.close()


async def test_a_response_may_take_longer_than_a_request(
    address: str, context_factory: ContextFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_protocol, "HEADER_TIMEOUT_SECONDS", 0.1)
    monkeypatch.setattr(http_protocol, "BODY_TIMEOUT_SECONDS", 0.1)
    async with httpx.AsyncClient() as client:
        request = asyncio.create_task(
            client.post(f"http://{address}/graphql", json={"query": "{ slow }"})
        )
        await context_factory.started.wait()

        finished, _ = await asyncio.wait([request], timeout=0.5)

        assert not finished
        request.cancel()
        await asyncio.wait([request])
