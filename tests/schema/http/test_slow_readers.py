"""A client that does not read its response is disconnected; one that reads slowly is not."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from app import watched_transport
from tests.patience import until

# More than the buffers of the kernel hold.
MIN_RESPONSE_BYTES = 12_000_000
LARGE_QUERY = "{" + "".join(f"a{number}:fruit{{label}}" for number in range(12)) + "}"
PART_BYTES = 2_000_000


@contextmanager
def small_socket() -> Iterator[socket.socket]:
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        client.setblocking(False)
        yield client


async def send_request(client: socket.socket, address: str, connection: str = "close") -> None:
    """Sends a request for a large response."""
    loop, (host, port) = asyncio.get_running_loop(), address.split(":")
    await loop.sock_connect(client, (host, int(port)))
    request = f"GET /graphql?query={LARGE_QUERY} HTTP/1.1\r\nHost: door\r\nConnection: {connection}"
    await loop.sock_sendall(client, f"{request}\r\n\r\n".encode())


def sending_transports() -> list[watched_transport.WatchedTransport]:
    return list(watched_transport._sending_transports)


async def read(client: socket.socket, max_bytes: int = 2 * MIN_RESPONSE_BYTES) -> int:
    """Reads up to the end of the connection. Returns the number of bytes."""
    loop, byte_count = asyncio.get_running_loop(), 0
    try:
        while byte_count < max_bytes and (data := await loop.sock_recv(client, 65_536)):
            byte_count += len(data)
    except ConnectionResetError:
        pass
    return byte_count


@pytest.mark.parametrize("connection", ["close", "keep-alive"])
async def test_a_client_that_does_not_read_is_disconnected(
    address: str, monkeypatch: pytest.MonkeyPatch, connection: str
) -> None:
    monkeypatch.setattr(watched_transport, "WRITE_TIMEOUT_SECONDS", 0.2)
    with small_socket() as client:
        await send_request(client, address, connection)
        await until(sending_transports)
        await until(lambda: not sending_transports())

        assert await read(client) < MIN_RESPONSE_BYTES


async def test_a_client_that_reads_slowly_gets_everything(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watched_transport, "WRITE_TIMEOUT_SECONDS", 0.2)
    with small_socket() as client:
        await send_request(client, address)
        await until(sending_transports)
        [transport] = sending_transports()
        byte_count = 0
        while transport.get_write_buffer_size() > PART_BYTES:
            timer = transport._timer
            byte_count += await read(client, PART_BYTES)
            await until(lambda timer=timer: transport._timer is not timer)  # type: ignore[misc]

        assert byte_count + await read(client) > MIN_RESPONSE_BYTES


async def test_unsent_responses_are_limited_together(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watched_transport, "MAX_UNSENT_BYTES", int(1.2 * MIN_RESPONSE_BYTES))
    with small_socket() as first_client, small_socket() as second_client:
        await send_request(first_client, address)
        await until(sending_transports)
        [first_transport] = sending_transports()
        await send_request(second_client, address)
        await until(lambda: first_transport not in sending_transports())

        assert await read(first_client) < MIN_RESPONSE_BYTES
        assert await read(second_client) > MIN_RESPONSE_BYTES
