"""/graphql/stream: the same operations, answered as server-sent events, for who has no WebSocket.

One connection an operation. Each answer is an event `next`; the last event is `complete`. Errors
of the operation come in a `next`, too; only what is no request of GraphQL at all is refused as
HTTP does it. The id of an event is the cursor to go on from: a browser's EventSource that was
cut off says it when it comes back, and misses nothing.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from functools import partial
from typing import Any

import orjson
from starlette.requests import HTTPConnection
from starlette.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from app.schema.http import incoming, media, responses
from app.schema.http.incoming import MakeContext
from app.schema.http.masking import failed
from app.schema.http.operations import ClientGone, Context, Event, Operation, Operations
from app.schema.http.refusals import OperationRefused, RequestRefused, refused

SECONDS_OF_SILENCE = 15
SECONDS_TO_TAKE = 60
_PING = b":\n\n"
_COMPLETE = b"event: complete\ndata:\n\n"
# Proxies must pass on each event as it comes.
_HEADERS = {**responses.NOT_KEPT, "X-Accel-Buffering": "no"}


class EventStream:
    """The ASGI application at /graphql/stream."""

    def __init__(self, operations: Operations, most_bytes: int, context: MakeContext) -> None:
        self._operations = operations
        self._most_bytes = most_bytes
        self._context = context
        self._over = asyncio.Event()

    def end(self) -> None:
        """Cuts all streams off: the server is to stop, and would wait for them."""
        self._over.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            events = await self._find(HTTPConnection(scope), receive)
        except RequestRefused as refusal:
            await responses.refusal(refusal, media.JSON)(scope, receive, send)
        except ClientGone:
            pass
        else:
            await _tell(_with_pings(events, self._over), scope, receive, send)

    async def _find(self, connection: HTTPConnection, receive: Receive) -> AsyncGenerator[bytes]:
        """What the operation will tell."""
        if not media.preferred(connection.headers.get("accept", ""), (media.EVENTS,)):
            raise refused(406, f"This can be had as {media.EVENTS} only.")
        request = await incoming.read(connection, receive, self._most_bytes)
        try:
            operation = self._operations.find(request)
        except OperationRefused as refusal:
            return _refused(refusal)
        incoming.check_method(connection, operation.type)
        return _events(operation, partial(self._context, connection, {}))


async def _tell(events: AsyncGenerator[bytes], scope: Scope, receive: Receive, send: Send) -> None:
    """Until the client goes, or has taken nothing for a while."""

    async def send_soon(message: Message) -> None:
        async with asyncio.timeout(SECONDS_TO_TAKE):
            await send(message)

    async with aclosing(events) as body:
        try:
            response = StreamingResponse(body, headers=_HEADERS, media_type=media.EVENTS)
            await response(scope, receive, send_soon)
        except* TimeoutError:
            pass


async def _events(operation: Operation, context: Context) -> AsyncGenerator[bytes]:
    try:
        async with aclosing(operation.events(context)) as events:
            async for event in events:
                yield _next(event)
    except RequestRefused as refusal:
        yield _next(Event({"errors": refusal.errors}))
    except Exception as failure:  # noqa: BLE001  (whatever broke, the stream is ended properly)
        yield _next(Event({"errors": [failed(failure)]}))
    yield _COMPLETE


async def _refused(refusal: RequestRefused) -> AsyncGenerator[bytes]:
    yield _next(Event({"errors": refusal.errors}))
    yield _COMPLETE


def _next(event: Event) -> bytes:
    id_ = f"id: {event.cursor}\n" if event.cursor else ""
    return b"%sevent: next\ndata: %s\n\n" % (id_.encode(), orjson.dumps(event.answer))


async def _with_pings(events: AsyncGenerator[bytes], over: asyncio.Event) -> AsyncGenerator[bytes]:
    """The events, until it is over; and comments between them, without which a silent stream looks
    dead."""
    ending: asyncio.Future[Any] = asyncio.ensure_future(over.wait())
    coming: asyncio.Future[Any] | None = None
    async with aclosing(events):
        try:
            while not over.is_set():
                coming = coming or asyncio.ensure_future(anext(events))
                await asyncio.wait(
                    {coming, ending},
                    timeout=SECONDS_OF_SILENCE,
                    return_when=asyncio.FIRST_COMPLETED,
                )
                if coming.done():
                    yield coming.result()
                    coming = None
                elif not over.is_set():
                    yield _PING
        except StopAsyncIteration:
            pass
        finally:
            ending.cancel()
            if coming is not None:
                coming.cancel()
                with suppress(asyncio.CancelledError, StopAsyncIteration):
                    await coming
