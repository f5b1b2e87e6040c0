"""The attacks that are more than a request: on HTTP itself, and by subscriptions."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack, suppress
from functools import partial

from websockets.exceptions import ConnectionClosed

from tests.benchmarks.attacks.attack import Answer, Attack, read_answer
from tests.benchmarks.attacks.shop import Segments, customer_source_id
from tests.websocket_client import open_websocket

_MIB = 2**20
_SILENT_CONNECTIONS = 800
_SLOW_BODIES = 40
_SLOW_BODY_BYTES = 15 * _MIB
_SUBSCRIPTIONS = 100
_EVENTS = 5
_HOLD_SECONDS = 12


def connection_attacks(segments: Segments) -> Iterator[Attack]:
    yield Attack("a header without end, 40 MiB", _send_endless_header)
    yield Attack(f"{_SILENT_CONNECTIONS} silent connections", _open_silent_connections, 1)
    yield Attack(f"{_SLOW_BODIES} bodies of 15 MiB without the last byte", _send_slow_bodies, 1)
    yield Attack("a body of one byte in each packet", _send_small_packets)
    yield Attack("frames of 1 MB over a WebSocket", _send_large_frames)
    for name, selection in (
        ("20 counts of members", " ".join(f"a{n}: segment {{ memberCount }}" for n in range(20))),
        ("pages of 100 customers", "segment { members(first: 100) { nodes { metadata } } }"),
    ):
        yield Attack(
            f"{_SUBSCRIPTIONS} subscriptions with {name}",
            partial(_subscribe, segments.active, selection),
            1,
        )


async def _send_endless_header(address: str) -> Answer:
    reader, writer = await asyncio.open_connection(*address.split(":"))
    try:
        writer.write(f"GET /healthz HTTP/1.1\r\nhost: {address}\r\nx: ".encode())
        for _ in range(40):
            writer.write(b"x" * _MIB)
            await writer.drain()
        return await read_answer(reader)
    except (ConnectionError, asyncio.IncompleteReadError):
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            return await read_answer(reader)
        return Answer("connection lost")
    finally:
        writer.transport.abort()


async def _open_silent_connections(address: str) -> Answer:
    """Returns how many are closed after the time limit of headers."""
    async with AsyncExitStack() as stack:
        readers = []
        for _ in range(_SILENT_CONNECTIONS):
            reader, writer = await asyncio.open_connection(*address.split(":"))
            stack.callback(writer.transport.abort)
            readers.append(reader)
        return await _read_all(readers)


async def _send_slow_bodies(address: str) -> Answer:
    async with AsyncExitStack() as stack:
        readers = []
        head = (
            f"POST /graphql HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n"
            f"content-length: {_SLOW_BODY_BYTES}\r\n\r\n"
        ).encode()
        for _ in range(_SLOW_BODIES):
            reader, writer = await asyncio.open_connection(*address.split(":"))
            stack.callback(writer.transport.abort)
            writer.write(head + b" " * (_SLOW_BODY_BYTES - 1))
            readers.append(reader)
        return await _read_all(readers)


async def _read_all(readers: list[asyncio.StreamReader]) -> Answer:
    """Waits for a while; returns how many connections got an answer."""

    async def read(reader: asyncio.StreamReader) -> str:
        with suppress(TimeoutError, ConnectionError, asyncio.IncompleteReadError):
            async with asyncio.timeout(_HOLD_SECONDS):
                return (await read_answer(reader)).text
        return "open"

    texts = await asyncio.gather(*map(read, readers))
    return Answer(", ".join(f"{texts.count(text)} {text}" for text in sorted(set(texts))))


async def _send_small_packets(address: str) -> Answer:
    reader, writer = await asyncio.open_connection(*address.split(":"))
    body = b'{"query": "{ __typename }"}'.ljust(20_000)
    head = (
        f"POST /graphql HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n"
        "transfer-encoding: chunked\r\n\r\n"
    )
    try:
        writer.write(head.encode() + b"".join(b"1\r\n%c\r\n" % byte for byte in body))
        writer.write(b"0\r\n\r\n")
        return await read_answer(reader)
    finally:
        writer.transport.abort()


async def _send_large_frames(address: str) -> Answer:
    query = "{ __typename }" + " " * 900_000
    async with open_websocket(address) as socket:
        await socket.subscribe(query)
        message = await socket.receive()
    return Answer(str(message["type"]))


async def _subscribe(segment_id: str, selection: str, address: str) -> Answer:
    """Subscribes many times on one socket, and then makes customers enter and leave."""
    query = f'subscription {{ segmentTransitions(segmentIds: ["{segment_id}"]) {{ {selection} }} }}'
    upsert = "mutation($rows: [CustomerInput!]!) { customersUpsert(inputs: $rows) { accepted } }"
    async with open_websocket(address) as socket, open_websocket(address) as writer:
        for number in range(_SUBSCRIPTIONS):
            await socket.subscribe(query, str(number))
        for event in range(_EVENTS):
            rows = [{"sourceId": customer_source_id(0), "metadata": {"vip": event % 2 == 0}}]
            await writer.subscribe(upsert, str(event), variables={"rows": rows})
            await writer.receive()
        received: list[str] = []
        with suppress(TimeoutError, ConnectionClosed):
            while len(received) < _SUBSCRIPTIONS:
                message = await socket.receive()
                code = message["payload"].get("errors", [{}])[0].get("extensions", {}).get("code")
                received.append(code or "OK")
    return Answer(", ".join(f"{received.count(text)} {text}" for text in sorted(set(received))))
