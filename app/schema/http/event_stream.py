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

from app.schema.http import http_request, http_responses, media_types
from app.schema.http.error_masking import log_internal_error
from app.schema.http.http_request import ContextFactory
from app.schema.http.operations import (
    ClientDisconnected,
    Operation,
    OperationContextFactory,
    OperationResult,
    Operations,
)
from app.schema.http.request_errors import OperationError, RequestError, request_error

KEEPALIVE_INTERVAL_SECONDS = 15
SEND_TIMEOUT_SECONDS = 60
_KEEPALIVE_COMMENT = b":\n\n"
_COMPLETE_EVENT = b"event: complete\ndata:\n\n"
# Proxies must pass on each event as it comes.
_HEADERS = {**http_responses.NO_STORE_HEADERS, "X-Accel-Buffering": "no"}


class EventStream:
    """The ASGI application at /graphql/stream."""

    def __init__(
        self, operations: Operations, max_body_bytes: int, make_context: ContextFactory
    ) -> None:
        self._operations = operations
        self._max_body_bytes = max_body_bytes
        self._make_context = make_context
        self._closing = asyncio.Event()

    def close(self) -> None:
        """Cuts all streams off: the server is to stop, and would wait for them."""
        self._closing.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            events = await self._start_operation(HTTPConnection(scope), receive)
        except RequestError as refusal:
            await http_responses.create_error_response(refusal, media_types.JSON)(
                scope, receive, send
            )
        except ClientDisconnected:
            pass
        else:
            await _send_events(_with_keepalives(events, self._closing), scope, receive, send)

    async def _start_operation(
        self, connection: HTTPConnection, receive: Receive
    ) -> AsyncGenerator[bytes]:
        """What the operation will tell."""
        if not media_types.negotiate(
            connection.headers.get("accept", ""), (media_types.EVENT_STREAM,)
        ):
            raise request_error(406, f"This can be had as {media_types.EVENT_STREAM} only.")
        request = await http_request.read_request(connection, receive, self._max_body_bytes)
        try:
            operation = self._operations.prepare(request)
        except OperationError as refusal:
            return _encode_request_error(refusal)
        http_request.check_method(connection, operation.type)
        return _encode_results(operation, partial(self._make_context, connection, {}))


async def _send_events(
    events: AsyncGenerator[bytes], scope: Scope, receive: Receive, send: Send
) -> None:
    """Until the client goes, or has taken nothing for a while."""

    async def send_with_timeout(message: Message) -> None:
        async with asyncio.timeout(SEND_TIMEOUT_SECONDS):
            await send(message)

    async with aclosing(events) as body:
        try:
            response = StreamingResponse(
                body, headers=_HEADERS, media_type=media_types.EVENT_STREAM
            )
            await response(scope, receive, send_with_timeout)
        except* TimeoutError:
            pass


async def _encode_results(
    operation: Operation, make_context: OperationContextFactory
) -> AsyncGenerator[bytes]:
    try:
        async with aclosing(operation.results(make_context)) as results:
            async for result in results:
                yield _encode_next_event(result)
    except RequestError as refusal:
        yield _encode_next_event(OperationResult({"errors": refusal.errors}))
    except Exception as failure:  # noqa: BLE001  (whatever broke, the stream is ended properly)
        yield _encode_next_event(OperationResult({"errors": [log_internal_error(failure)]}))
    yield _COMPLETE_EVENT


async def _encode_request_error(error: RequestError) -> AsyncGenerator[bytes]:
    yield _encode_next_event(OperationResult({"errors": error.errors}))
    yield _COMPLETE_EVENT


def _encode_next_event(result: OperationResult) -> bytes:
    id_line = f"id: {result.cursor}\n" if result.cursor else ""
    return b"%sevent: next\ndata: %s\n\n" % (id_line.encode(), orjson.dumps(result.result))


async def _with_keepalives(
    events: AsyncGenerator[bytes], closing: asyncio.Event
) -> AsyncGenerator[bytes]:
    """The events, until it is over; and comments between them, without which a silent stream looks
    dead."""
    closing_task: asyncio.Future[Any] = asyncio.ensure_future(closing.wait())
    next_task: asyncio.Future[Any] | None = None
    async with aclosing(events):
        try:
            while not closing.is_set():
                next_task = next_task or asyncio.ensure_future(anext(events))
                await asyncio.wait(
                    {next_task, closing_task},
                    timeout=KEEPALIVE_INTERVAL_SECONDS,
                    return_when=asyncio.FIRST_COMPLETED,
                )
                if next_task.done():
                    yield next_task.result()
                    next_task = None
                elif not closing.is_set():
                    yield _KEEPALIVE_COMMENT
        except StopAsyncIteration:
            pass
        finally:
            closing_task.cancel()
            if next_task is not None:
                next_task.cancel()
                with suppress(asyncio.CancelledError, StopAsyncIteration):
                    await next_task
