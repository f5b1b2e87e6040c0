"""Endless headers: the server closes the connection after 64 KiB."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from tests.patience import PATIENCE_SECONDS
from tests.server import running_server

KIB = 1024
MIB = 1024 * KIB
TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
GET = b"GET / HTTP/1.1\r\nhost: localhost\r\n"
POST = b"POST / HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n"


async def body_length(request: Request) -> PlainTextResponse:
    return PlainTextResponse(str(len(await request.body())))


@pytest.fixture
async def address() -> AsyncIterator[tuple[str, int]]:
    async with running_server(
        Starlette(routes=[Route("/", body_length, methods=["GET", "POST"])])
    ) as served:
        host, port = served.split(":")
        yield host, int(port)


async def exchange(address: tuple[str, int], *parts: bytes) -> tuple[int, bytes]:
    """Returns the number of bytes that the server accepted, and its response."""
    reader, writer = await asyncio.open_connection(*address)
    bytes_sent = 0
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
            bytes_sent += len(part)
    except ConnectionError:
        pass
    try:
        response = await asyncio.wait_for(reader.read(64 * KIB), PATIENCE_SECONDS)
    except ConnectionError:
        response = b""
    writer.transport.abort()
    return bytes_sent, response


@pytest.mark.parametrize(
    ("start", "block"),
    {
        "a value": (GET + b"x: ", b"a" * (64 * KIB)),
        "a name": (GET, b"a" * (64 * KIB)),
        "many headers": (GET, b"x: y\r\n" * (10 * KIB)),
        "an address": (b"GET /", b"a" * (64 * KIB)),
        "a trailer": (POST + b"2\r\n{}\r\n0\r\nx: ", b"a" * (64 * KIB)),
        "an extension of a chunk": (POST + b"2;", b"a" * (64 * KIB)),
    }.values(),
)
async def test_without_end_they_are_cut_off(
    address: tuple[str, int], start: bytes, block: bytes
) -> None:
    taken, answer = await exchange(address, start, *[block] * (40 * MIB // len(block)))
    # The rest is what the kernel's buffers took.
    assert taken < 20 * MIB
    assert answer == b"" or answer.startswith(TOO_LARGE)


@pytest.mark.parametrize("end", [b"", b"\r\n\r\n"], ids=["unfinished", "finished"])
@pytest.mark.parametrize("size", [2 * KIB, 100 * KIB])
async def test_above_the_limit_they_are_refused_in_packets_of_any_size(
    address: tuple[str, int], size: int, end: bytes
) -> None:
    sent = GET + b"x: " + b"a" * (65 * KIB) + end
    _, answer = await exchange(address, *(sent[at : at + size] for at in range(0, len(sent), size)))
    assert answer == b"" or answer.startswith(TOO_LARGE)


async def test_below_it_they_are_taken_and_bodies_are_not_counted(
    address: tuple[str, int],
) -> None:
    header = b"x: " + b"a" * (63 * KIB) + b"\r\n"
    body = b"b" * (3 * MIB)
    first = b"POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: %d\r\n" % len(body)
    reader, writer = await asyncio.open_connection(*address)
    # Three on one connection: what one has sent is not counted with the next.
    for sent, length in (
        (first + header + b"\r\n" + body, len(body)),
        (GET + header + b"\r\n", 0),
        (POST + b"1\r\nb\r\n" * (30 * KIB) + b"0\r\nx: y\r\n\r\n", 30 * KIB),
    ):
        writer.write(sent)
        assert (await reader.readline()) == b"HTTP/1.1 200 OK\r\n"
        await reader.readuntil(b"\r\n\r\n")
        assert await reader.readexactly(len(str(length))) == str(length).encode()
    writer.close()


async def test_behind_another_request_they_are_refused_too(address: tuple[str, int]) -> None:
    large = GET + b"x: " + b"a" * (66 * KIB) + b"\r\n\r\n"
    _, answer = await exchange(address, GET + b"\r\n" + large)
    assert answer.count(b"200 OK") <= 1
