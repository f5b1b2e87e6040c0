"""A graphql-transport-ws client that sends any message, valid or not."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from tests.patience import PATIENCE_SECONDS

PROTOCOL = Subprotocol("graphql-transport-ws")


class WebSocketClient:
    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    async def send(self, message: object) -> None:
        await self._connection.send(orjson.dumps(message).decode())

    async def send_raw(self, message: str | bytes) -> None:
        await self._connection.send(message)

    async def send_fragments(self, *parts: bytes, is_text: bool = True) -> None:
        """Sends one message in a frame for each part. Text may be no UTF-8."""
        await self._connection.send(parts, text=is_text)

    async def subscribe(self, query: object, id_: object = "1", **payload_fields: Any) -> None:
        await self.send(
            {"id": id_, "type": "subscribe", "payload": {"query": query, **payload_fields}}
        )

    async def receive(self) -> Any:
        return orjson.loads(await asyncio.wait_for(self._connection.recv(), PATIENCE_SECONDS))

    async def receive_until_closed(self) -> AsyncIterator[Any]:
        """Yields the messages up to the end of the connection, whatever its close code."""
        with suppress(ConnectionClosed):
            while True:
                yield await self.receive()

    def pause_reading(self) -> None:
        """Stops reading: what the server sends fills the buffers of the kernel, then the server's
        own."""
        self._connection.transport.pause_reading()

    async def wait_for_close_code(self) -> int:
        await asyncio.wait_for(self._connection.wait_closed(), PATIENCE_SECONDS)
        assert self._connection.close_code
        return self._connection.close_code


@asynccontextmanager
async def open_websocket(address: str, initialize: bool = True) -> AsyncIterator[WebSocketClient]:
    async with connect(
        f"ws://{address}/graphql", subprotocols=[PROTOCOL], proxy=None
    ) as connection:
        client = WebSocketClient(connection)
        if initialize:
            await client.send({"type": "connection_init", "payload": {"authorization": "Bearer K"}})
            assert await client.receive() == {"type": "connection_ack"}
        yield client
