"""The id of a request is in its response and in its log lines."""

import json
from collections.abc import AsyncIterator

import httpx
import pytest
import structlog

from app.main import create_app
from app.request_id import RequestIdMiddleware
from app.settings import Settings


@pytest.fixture
async def client(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(create_app(settings))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield client


@pytest.mark.parametrize("path", ["/healthz", "/app/", "/nothing"])
async def test_each_response_has_an_id_of_its_own(client: httpx.AsyncClient, path: str) -> None:
    ids = [(await client.get(path)).headers["x-request-id"] for _ in range(2)]

    assert len(set(ids)) == 2
    assert all(len(id_) == 16 for id_ in ids)


async def test_a_proxy_chooses_the_id(client: httpx.AsyncClient) -> None:
    response = await client.get("/healthz", headers={"X-Request-Id": "edge-7.a_B"})

    assert response.headers["x-request-id"] == "edge-7.a_B"


@pytest.mark.parametrize("sent", ["", "a b", "a" * 65, 'a"}', "ą"])
async def test_an_id_that_could_forge_a_log_line_is_replaced(
    client: httpx.AsyncClient, sent: str
) -> None:
    headers = [(b"x-request-id", sent.encode())]

    response = await client.get("/healthz", headers=headers)

    assert len(response.headers["x-request-id"]) == 16


async def test_its_log_lines_have_the_id_and_later_ones_do_not() -> None:
    lines: list[str] = []
    render = structlog.processors.JSONRenderer()

    def log(event: str) -> None:
        merged = structlog.contextvars.merge_contextvars(None, "info", {"event": event})
        lines.append(str(render(None, "info", merged)))

    async def app(scope: object, receive: object, send: object) -> None:
        log("inside")

    scope = {"type": "http", "headers": [(b"x-request-id", b"abc")]}
    await RequestIdMiddleware(app)(scope, None, None)  # type: ignore[arg-type]
    log("outside")

    assert [json.loads(line) for line in lines] == [
        {"event": "inside", "request_id": "abc"},
        {"event": "outside"},
    ]
