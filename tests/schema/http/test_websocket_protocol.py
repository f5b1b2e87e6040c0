"""Handshakes and frames that are malformed: each has an answer, and none an entry in the log."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from websockets.exceptions import ConnectionClosed

from app import websocket_protocol
from app.schema.http import graphql_transport_ws
from tests.engine.conftest import wait_until
from tests.patience import PATIENCE_SECONDS
from tests.websocket_client import WebSocketClient, open_websocket

pytestmark = pytest.mark.usefixtures("no_server_errors")

HANDSHAKE = (
    b"GET /graphql HTTP/1.1\r\nHost: door\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
)


async def read_response(address: str, request: bytes) -> bytes:
    """Sends bytes; returns all that the server sends until it closes the connection."""
    host, port = address.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(request)
    try:
        return await asyncio.wait_for(reader.read(), PATIENCE_SECONDS)
    finally:
        writer.transport.abort()


@pytest.mark.parametrize(
    ("handshake", "status"),
    [
        (HANDSHAKE.replace(b"GET", b"POST"), 405),
        (HANDSHAKE.replace(b"Key", b"Keys"), 400),
        (HANDSHAKE.replace(b"AAAAAAAAAAAAAAAAAAAAAA==", b"short"), 400),
        (HANDSHAKE.replace(b"13", b"12"), 400),
        (HANDSHAKE.replace(b"/graphql", b"/graphql?" + b"x" * 9_000), 414),
        (HANDSHAKE.replace(b"/graphql", b"/\xff"), 400),
        (HANDSHAKE + b"Cookie: " + b"x" * 9_000 + b"\r\n", 431),
        (HANDSHAKE + b"x: y\r\n" * 129, 431),
    ],
    ids=[
        "method",
        "no key",
        "short key",
        "version",
        "long URL",
        "bad URL",
        "long header",
        "many headers",
    ],
)
async def test_a_malformed_handshake_is_refused(
    address: str, handshake: bytes, status: int
) -> None:
    response = await read_response(address, handshake + b"\r\n")

    assert response.startswith(b"HTTP/1.1 %d " % status)


async def test_a_client_that_leaves_during_the_handshake_is_forgotten(address: str) -> None:
    host, port = address.split(":")
    for _ in range(20):
        _, writer = await asyncio.open_connection(host, int(port))
        writer.write(HANDSHAKE + b"\r\n")
        await writer.drain()
        writer.transport.abort()

    async with open_websocket(address):
        pass


@pytest.fixture
async def client(address: str) -> AsyncIterator[WebSocketClient]:
    async with open_websocket(address) as client:
        yield client


@pytest.mark.parametrize("parts", [(b"\xff",), (b'{"type": "\xc3', b"\xff"), (b"\xed\xa0\x80",)])
async def test_text_that_is_not_utf_8_closes_the_socket(
    client: WebSocketClient, parts: tuple[bytes, ...]
) -> None:
    await client.send_fragments(*parts)

    assert await client.wait_for_close_code() == 1007


async def test_what_the_program_sends_after_such_text_is_dropped(address: str) -> None:
    async with open_websocket(address, initialize=False) as client:
        await client.send({"type": "connection_init"})
        await client.send_fragments(b"\xff")

        assert await client.wait_for_close_code() == 1007


async def test_a_character_may_be_divided_between_frames(client: WebSocketClient) -> None:
    await client.send_fragments(b'{"type": "ping", "payload": {"a": "\xc3', b'\xa9"}}')

    assert await client.receive() == {"type": "pong"}


async def test_a_client_that_reads_nothing_keeps_no_connection(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server can't send it what it has buffered, and so can't close the connection in order."""
    monkeypatch.setattr(graphql_transport_ws, "PING_INTERVAL_SECONDS", 0.1)
    monkeypatch.setattr(graphql_transport_ws, "CLOSE_TIMEOUT_SECONDS", 0.1)
    monkeypatch.setattr(websocket_protocol, "ABORT_DELAY_SECONDS", 0.1)
    async with open_websocket(address) as client:
        client.pause_reading()
        await client.subscribe("subscription { flood }")

        async def is_lost() -> bool:
            try:
                await client.send({"type": "pong"})
            except ConnectionClosed:
                return True
            return False

        await wait_until(is_lost)
