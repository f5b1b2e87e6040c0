"""graphql-transport-ws: many operations over one WebSocket, each refused or answered by itself."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing, suppress
from functools import partial
from urllib.parse import urlsplit

import orjson
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketDisconnected

from app.schema.http.masking import failed
from app.schema.http.operations import Operations
from app.schema.http.refusals import JSON, RequestRefused, refused
from app.schema.http.requests import from_json, read_json

PROTOCOL = "graphql-transport-ws"
SECONDS_TO_INIT = 10
SECONDS_OF_SILENCE = 20
SECONDS_TO_CLOSE = 2
MAX_OPERATIONS = 100
_GONE = (WebSocketDisconnect, WebSocketDisconnected)


class Closed(Exception):
    """The client broke the protocol: the socket is closed with this code."""

    def __init__(self, code: int, reason: str) -> None:
        self.code = code
        self.reason = reason
        super().__init__(reason)


class Socket:
    """One client's connection, from its handshake to its end."""

    def __init__(
        self,
        websocket: WebSocket,
        operations: Operations,
        context: Callable[[Mapping[str, object]], Awaitable[object]],
    ) -> None:
        self._websocket = websocket
        self._operations = operations
        self._make_context = context
        self._init: JSON | None = None
        self._running: dict[str, asyncio.Task[None]] = {}

    async def serve(self) -> None:
        if not _same_origin(self._websocket.headers):
            await self._websocket.close()
            return
        if PROTOCOL not in self._websocket.scope["subprotocols"]:
            await self._websocket.accept()
            await self._websocket.close(4406, f"Speak {PROTOCOL}")
            return
        await self._websocket.accept(PROTOCOL)
        try:
            await self._converse()
        except Closed as closed:
            await self._close(closed)
        except _GONE:
            pass

    async def _converse(self) -> None:
        try:
            await self._greet()
            await self._listen()
        finally:
            await self._stop_all()

    async def _listen(self) -> None:
        """Takes what the client says. Who has said nothing for a while is asked to, and who does
        not answer that either is gone, or hangs."""
        asked = False
        while True:
            try:
                async with asyncio.timeout(SECONDS_OF_SILENCE):
                    message = await self._message()
            except TimeoutError:
                if asked:
                    raise Closed(4408, "No answer to a ping") from None
                asked = True
                await _soon(self._send({"type": "ping"}))
            else:
                asked = False
                await _soon(self._take(message))

    async def _close(self, closed: Closed) -> None:
        """Says why, unless the client does not even read that."""
        with suppress(*_GONE, TimeoutError):
            async with asyncio.timeout(SECONDS_TO_CLOSE):
                await self._websocket.close(closed.code, closed.reason)

    async def _greet(self) -> None:
        """The client says connection_init first, and soon."""
        try:
            async with asyncio.timeout(SECONDS_TO_INIT):
                message = await self._message()
                while message["type"] in ("ping", "pong"):
                    await self._take(message)
                    message = await self._message()
        except TimeoutError:
            raise Closed(4408, "Connection initialisation timeout") from None
        if message["type"] != "connection_init":
            raise Closed(4401, "Unauthorized")
        payload = message.get("payload")
        if not isinstance(payload, dict | None):
            raise Closed(4400, "The payload of connection_init must be an object")
        self._init = payload or {}
        await self._send({"type": "connection_ack"})

    async def _message(self) -> JSON:
        received = await self._websocket.receive()
        if received["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(received.get("code", 1000))
        text = received.get("text")
        if text is None:
            raise Closed(4400, "A message must be text")
        try:
            message = read_json(text.encode())
        except (RequestRefused, UnicodeEncodeError):
            raise Closed(4400, "A message must be JSON") from None
        if not isinstance(message, dict) or not isinstance(message.get("type"), str):
            raise Closed(4400, "A message must be an object with a type")
        return message

    async def _take(self, message: JSON) -> None:
        match message:
            case {"type": "ping"}:
                await self._send({"type": "pong"})
            case {"type": "pong"}:
                pass
            case {"type": "subscribe", "id": str(id_), "payload": payload} if id_:
                await self._start(id_, payload)
            case {"type": "complete", "id": str(id_)}:
                if task := self._running.pop(id_, None):
                    task.cancel()
            case {"type": "connection_init"}:
                raise Closed(4429, "Too many initialisation requests")
            case _:
                raise Closed(4400, f"Not a message of {PROTOCOL}: {message['type'][:40]}")

    async def _start(self, id_: str, payload: object) -> None:
        if id_ in self._running:
            raise Closed(4409, f"Subscriber for {id_[:40]} already exists")
        if len(self._running) >= MAX_OPERATIONS:
            too_many = refused(422, f"A socket runs at most {MAX_OPERATIONS} operations at once.")
            await self._send({"id": id_, "type": "error", "payload": too_many.errors})
            return
        self._running[id_] = asyncio.create_task(self._run(id_, payload))

    async def _run(self, id_: str, payload: object) -> None:
        """Sends the answers and then complete, or an error, which also ends the operation."""
        context = partial(self._make_context, self._init or {})
        try:
            operation = self._operations.find(from_json(payload))
            async with aclosing(operation.events(context)) as events:
                async for answer, _ in events:
                    await self._send({"id": id_, "type": "next", "payload": answer})
            last: JSON = {"id": id_, "type": "complete"}
        except RequestRefused as refusal:
            last = {"id": id_, "type": "error", "payload": refusal.errors}
        except _GONE:
            return
        except Exception as failure:  # noqa: BLE001  (one operation's fault is not the socket's)
            last = {"id": id_, "type": "error", "payload": [failed(failure)]}
        # The client may use the id again as soon as it hears the last of it.
        self._running.pop(id_, None)
        with suppress(*_GONE):
            await self._send(last)

    async def _send(self, message: JSON) -> None:
        await self._websocket.send_text(orjson.dumps(message).decode())

    async def _stop_all(self) -> None:
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _soon(saying: Awaitable[None]) -> None:
    """Says it, unless the client has long taken nothing of what was said to it."""
    try:
        async with asyncio.timeout(SECONDS_OF_SILENCE):
            await saying
    except TimeoutError:
        raise Closed(4408, "Nothing is taken") from None


def _same_origin(headers: Mapping[str, str]) -> bool:
    """Whether no page of another site opened the socket; programs send no Origin."""
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc.lower() == headers.get("host", "").lower()
