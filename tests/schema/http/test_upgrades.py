"""Requests for other protocols than WebSocket, as of Java's HttpClient, are answered over HTTP."""

import asyncio

import orjson
import pytest

from tests.patience import PATIENCE_SECONDS

BODY = orjson.dumps({"query": "{ fruit { name } }"})
UPGRADE = (
    b"Host: door\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
    b"HTTP2-Settings: AAEAAA\r\nContent-Type: application/json\r\n"
)
LENGTH = b"Content-Length: %d\r\n" % len(BODY)
CHUNK = b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)
GET = b"GET /graphql?query={fruit{name}} HTTP/1.1\r\n"
POST = b"POST /graphql HTTP/1.1\r\n"


@pytest.mark.parametrize(
    "parts",
    [
        [GET + UPGRADE + b"\r\n"],
        [POST + UPGRADE + LENGTH + b"\r\n" + BODY],
        [POST + UPGRADE + LENGTH + b"\r\n", BODY],
        [POST + UPGRADE[:90], UPGRADE[90:] + LENGTH + b"\r\n" + BODY[:10], BODY[10:]],
        [POST + UPGRADE + b"Transfer-Encoding: chunked\r\n\r\n" + CHUNK],
    ],
    ids=["GET", "POST", "later body", "in parts", "chunked"],
)
async def test_the_request_and_a_later_one_are_answered(address: str, parts: list[bytes]) -> None:
    host, port = address.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    later_request = GET + b"Host: door\r\nConnection: close\r\n\r\n"
    for part in [*parts, later_request]:
        writer.write(part)
        # In a packet of its own.
        await asyncio.sleep(0.01)

    responses = await asyncio.wait_for(reader.read(), PATIENCE_SECONDS)

    assert responses.count(b"HTTP/1.1 200 OK") == 2
    assert responses.count(b'{"data":{"fruit":{"name":"apple"}}') == 2
    writer.close()


@pytest.mark.parametrize("request_line", [b"CONNECT door:443 HTTP/1.1\r\n", b"PRI * HTTP/2.0\r\n"])
async def test_other_methods_of_upgrades_are_refused(address: str, request_line: bytes) -> None:
    host, port = address.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(request_line + UPGRADE + b"Connection: close\r\n\r\n")

    response = await asyncio.wait_for(reader.read(), PATIENCE_SECONDS)

    assert response.startswith(b"HTTP/1.1 400 ")
    writer.close()
