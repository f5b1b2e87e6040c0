"""A server that is to stop answers what it has accepted, and tells clients to come back."""

import asyncio
import select
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import orjson
import pytest
import uvicorn
from starlette.applications import Starlette

from app import graceful_server
from app.graceful_server import GracefulServer
from app.http_protocol import BoundedHttpProtocol
from app.schema.http import GraphQLView
from tests.patience import PATIENCE_SECONDS
from tests.schema.http.fruit_schema import ContextFactory
from tests.websocket_client import open_websocket

STOP_SECONDS = 5.0
QUERY = b"GET /graphql?query={number} HTTP/1.1\r\nHost: door\r\n\r\n"


@dataclass
class StoppableServer:
    server: GracefulServer
    listener: socket.socket

    @property
    def address(self) -> str:
        host, port = self.listener.getsockname()
        return f"{host}:{port}"

    async def stop(self) -> None:
        await self.server.shutdown([self.listener])

    def close_idle_connections(self) -> None:
        for connection in self.server.server_state.connections:
            assert isinstance(connection, BoundedHttpProtocol)
            connection.close_after_response(closes_idle=True)

    def connect(self) -> socket.socket:
        """Returns a blocking connection, which the server has not accepted yet."""
        return socket.create_connection(self.listener.getsockname(), timeout=10)


@asynccontextmanager
async def serving(view: GraphQLView, stop_seconds: float) -> AsyncIterator[StoppableServer]:
    config = uvicorn.Config(
        Starlette(routes=view.routes()),
        http=BoundedHttpProtocol,
        ws="websockets-sansio",
        lifespan="off",
        log_level="critical",
    )
    config.load()
    server = GracefulServer(config, stop_seconds, view.stop)
    server.lifespan = config.lifespan_class(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        await server.startup([listener])
        yield StoppableServer(server, listener)
        # uvloop would wait for a server that a test has not stopped.
        for listening in server.servers:
            listening.close()


@pytest.fixture
async def running(
    view: GraphQLView, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[StoppableServer]:
    monkeypatch.setattr(graceful_server, "IDLE_SECONDS", 0.2)
    async with serving(view, STOP_SECONDS) as running:
        yield running


async def open_connection(
    running: StoppableServer,
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, port = running.address.split(":")
    return await asyncio.open_connection(host, int(port))


async def read_response(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """Returns the head and the body."""
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE_SECONDS)
    length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
    return head.lower(), await reader.readexactly(int(length))


async def test_a_connection_that_waits_to_be_accepted_is_answered(
    running: StoppableServer,
) -> None:
    client = running.connect()
    client.sendall(QUERY)

    await running.stop()

    answer = await asyncio.to_thread(client.recv, 10_000)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"connection: close" in answer
    client.close()


async def test_an_idle_connection_with_an_unread_request_is_not_closed(
    running: StoppableServer,
) -> None:
    reader, writer = await open_connection(running)
    writer.write(QUERY)
    await read_response(reader)

    # At once, so that the server has not read it yet.
    writer.write(QUERY)
    running.close_idle_connections()

    head, _ = await read_response(reader)
    assert head.startswith(b"http/1.1 200 ")
    assert b"connection: close" in head
    writer.close()


async def test_the_client_of_an_idle_connection_knows_at_once_that_it_is_closed(
    running: StoppableServer,
) -> None:
    """A request that it sends on the connection would be lost."""
    reader, writer = await open_connection(running)
    writer.write(QUERY)
    await read_response(reader)
    client: socket.socket = writer.get_extra_info("socket")

    running.close_idle_connections()

    readable, _, _ = select.select([client], [], [], 0)
    assert readable
    assert await reader.read() == b""
    writer.close()


async def test_a_request_in_progress_is_answered(
    running: StoppableServer, context_factory: ContextFactory
) -> None:
    reader, writer = await open_connection(running)
    writer.write(b"GET /graphql?query={wait} HTTP/1.1\r\nHost: door\r\n\r\n")
    await context_factory.started.wait()
    stopping = asyncio.create_task(running.stop())
    finished, _ = await asyncio.wait([stopping], timeout=0.5)
    assert not finished
    context_factory.released.set()

    head, body = await read_response(reader)

    assert b"connection: close" in head
    assert orjson.loads(body)["data"] == {"wait": "done"}
    assert await reader.read() == b""
    await stopping
    writer.close()


async def test_a_request_whose_body_arrives_late_is_answered(running: StoppableServer) -> None:
    reader, writer = await open_connection(running)
    body = orjson.dumps({"query": "{ number }"})
    writer.write(
        b"POST /graphql HTTP/1.1\r\nHost: door\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\n\r\n%s" % (len(body), body[:3])
    )
    stopping = asyncio.create_task(running.stop())
    finished, _ = await asyncio.wait([stopping], timeout=0.5)
    assert not finished
    writer.write(body[3:])

    head, _ = await read_response(reader)

    assert head.startswith(b"http/1.1 200 ")
    await stopping
    writer.close()


async def test_the_next_request_on_a_connection_is_answered_and_closes_it(
    running: StoppableServer,
) -> None:
    reader, writer = await open_connection(running)
    writer.write(QUERY)
    head, _ = await read_response(reader)
    assert b"connection: close" not in head
    stopping = asyncio.create_task(running.stop())
    await asyncio.sleep(0)
    writer.write(QUERY)

    head, _ = await read_response(reader)

    assert b"connection: close" in head
    assert await reader.read() == b""
    await stopping
    writer.close()


async def test_a_connection_without_a_request_is_closed(running: StoppableServer) -> None:
    reader, writer = await open_connection(running)
    writer.write(QUERY)
    await read_response(reader)

    await asyncio.wait_for(running.stop(), STOP_SECONDS / 2)

    assert await reader.read() == b""
    writer.close()


async def test_a_request_that_takes_too_long_is_told_that_the_server_stops(
    view: GraphQLView, context_factory: ContextFactory
) -> None:
    async with serving(view, stop_seconds=0.1) as running:
        reader, writer = await open_connection(running)
        writer.write(b"GET /graphql?query={slow} HTTP/1.1\r\nHost: door\r\n\r\n")
        await context_factory.started.wait()

        await running.stop()

    head, body = await read_response(reader)
    assert head.startswith(b"http/1.1 503 ")
    assert b"retry-after: 1" in head
    (error,) = orjson.loads(body)["errors"]
    assert error["extensions"] == {"code": "TIMEOUT"}
    assert error["message"].startswith("The server stops before the operation has ended; try again")
    assert context_factory.stopped.is_set()
    writer.close()


async def test_a_socket_ends_its_query_and_is_told_to_come_back(
    running: StoppableServer, context_factory: ContextFactory
) -> None:
    async with open_websocket(running.address) as client:
        await client.subscribe("subscription { endless }", "endless")
        await client.receive()
        await context_factory.started.wait()
        context_factory.started.clear()
        await client.subscribe("{ wait }", "wait")
        await context_factory.started.wait()
        stopping = asyncio.create_task(running.stop())
        await asyncio.wait_for(context_factory.stopped.wait(), PATIENCE_SECONDS)
        context_factory.released.set()

        messages = [await client.receive() for _ in range(2)]

        assert messages[0]["payload"]["data"] == {"wait": "done"}
        assert messages[1] == {"id": "wait", "type": "complete"}
        assert await client.wait_for_close_code() == 1012
    await stopping


async def test_a_socket_that_has_sent_nothing_yet_is_told_to_come_back(
    running: StoppableServer,
) -> None:
    async with open_websocket(running.address, initialize=False) as client:
        stopping = asyncio.create_task(running.stop())
        assert await client.wait_for_close_code() == 1012
    await stopping


async def test_a_socket_that_a_stopping_server_accepts_is_told_to_come_back(
    running: StoppableServer, view: GraphQLView
) -> None:
    view.stop()
    async with open_websocket(running.address, initialize=False) as client:
        assert await client.wait_for_close_code() == 1012
    await running.stop()
