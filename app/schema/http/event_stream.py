"""The endpoint /graphql/stream: operations over server-sent events, without a WebSocket.

A connection runs one operation. Each result is an event `next`; the last event is `complete`.
Errors of the operation are in a `next`, too. Only a malformed GraphQL request gets an HTTP
error. The id of an event is the cursor to resume from: a browser's EventSource sends it when it
reconnects, and so misses nothing. A server that is to stop ends subscriptions without `complete`,
after a `retry` with the time until the client should reconnect.
"""

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import ExitStack, aclosing, suppress
from typing import Any

import orjson
from starlette.requests import HTTPConnection
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from app.client_disconnect import ClientDisconnected
from app.schema.http import http_request, http_responses, media_types
from app.schema.http.error_masking import log_internal_error
from app.schema.http.http_request import RequestReader
from app.schema.http.operations import (
    Operation,
    OperationContextFactory,
    Operations,
)
from app.schema.http.request_errors import JSON, OperationError, RequestError, request_error
from app.schema.http.session import CallerSession, SessionOpener, prepare_operation
from app.schema.http.thread_time_meter import ThreadTimeMeter

KEEPALIVE_INTERVAL_SECONDS = 15
# The clients of a server that stops do not all reconnect at once.
_RETRY_MILLISECONDS = (500, 2_500)
_KEEPALIVE_COMMENT = b":\n\n"
_COMPLETE_EVENT = b"event: complete\ndata:\n\n"
# Tells proxies not to buffer events.
_HEADERS = {**http_responses.NO_STORE_HEADERS, "X-Accel-Buffering": "no"}

_EndWaiter = Callable[[], Awaitable[bytes | None]]
"""Returns once a stream is to end, with its last event if any."""


class EventStream:
    """The ASGI application at /graphql/stream."""

    def __init__(
        self, operations: Operations, requests: RequestReader, open_session: SessionOpener
    ) -> None:
        self._operations = operations
        self._requests = requests
        self._open_session = open_session
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Ends the streams of subscriptions; a stopping server would wait for them."""
        self._stopping.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        connection = HTTPConnection(scope)
        with ExitStack() as exit_stack:
            try:
                session = await self._open_session(connection, {})
                exit_stack.enter_context(session.count_stream())
                events, is_subscription = await self._start_operation(connection, receive, session)
            except RequestError as error:
                await http_responses.create_error_response(error, media_types.JSON)(
                    scope, receive, send
                )
            except ClientDisconnected:
                pass
            else:
                ends: list[_EndWaiter] = [session.wait_until_invalid]
                if is_subscription:
                    ends.append(self._wait_for_stop)
                body = _with_keepalives(events, *ends)
                await _send_events(body, scope, receive, send)

    async def _start_operation(
        self, connection: HTTPConnection, receive: Receive, session: CallerSession
    ) -> tuple[AsyncGenerator[bytes], bool]:
        """Returns the events of the requested operation, and whether it is a subscription. Raises
        RequestError for an HTTP error."""
        if not media_types.negotiate(
            connection.headers.get("accept", ""), (media_types.EVENT_STREAM,)
        ):
            raise request_error(
                406, f"The only media type of this endpoint is {media_types.EVENT_STREAM}."
            )
        meter = ThreadTimeMeter(session.charge)
        try:
            with meter.running():
                async with self._requests.read(connection, receive) as request:
                    operation = await prepare_operation(self._operations, request, session, meter)
        except OperationError as error:
            return _encode_request_error(error), False
        http_request.check_method(connection, operation.type)
        return _encode_results(operation, session.make_context), operation.is_subscription

    async def _wait_for_stop(self) -> bytes:
        """Waits until the server is to stop. Returns the last event of a subscription."""
        await self._stopping.wait()
        return b"retry: %d\n\n" % random.randint(*_RETRY_MILLISECONDS)  # noqa: S311 - no secret


async def _send_events(
    events: AsyncGenerator[bytes], scope: Scope, receive: Receive, send: Send
) -> None:
    """Sends events until the client disconnects."""
    async with aclosing(events) as body:
        response = StreamingResponse(body, headers=_HEADERS, media_type=media_types.EVENT_STREAM)
        await response(scope, receive, send)


async def _encode_results(
    operation: Operation, make_context: OperationContextFactory
) -> AsyncGenerator[bytes]:
    try:
        async with aclosing(operation.results(make_context)) as results:
            async for result, cursor in results:
                encoded_result = await operation.encode(result)
                yield _encode_next_event(encoded_result.text, cursor)
    except RequestError as error:
        yield _encode_errors(error.errors)
    except Exception as error:  # noqa: BLE001  (any error ends the stream properly)
        yield _encode_errors([log_internal_error(error)])
    yield _COMPLETE_EVENT


async def _encode_request_error(error: RequestError) -> AsyncGenerator[bytes]:
    yield _encode_errors(error.errors)
    yield _COMPLETE_EVENT


def _encode_errors(errors: list[JSON]) -> bytes:
    return _encode_next_event(orjson.dumps({"errors": errors}))


def _encode_next_event(result_text: bytes, cursor: str | None = None) -> bytes:
    id_line = f"id: {cursor}\n" if cursor else ""
    return b"%sevent: next\ndata: %s\n\n" % (id_line.encode(), result_text)


async def _with_keepalives(
    events: AsyncGenerator[bytes], *wait_for_ends: _EndWaiter
) -> AsyncGenerator[bytes]:
    """Yields the events until one of `wait_for_ends` returns, then the event that it returned if
    any. Yields a comment in each interval without an event.

    Without the comments, clients and proxies would take a silent stream for a dead one.
    """
    end_tasks = [asyncio.ensure_future(wait()) for wait in wait_for_ends]
    next_task: asyncio.Future[Any] | None = None
    async with aclosing(events):
        try:
            while not (ended_tasks := [task for task in end_tasks if task.done()]):
                next_task = next_task or asyncio.ensure_future(anext(events))
                finished, _ = await asyncio.wait(
                    {next_task, *end_tasks},
                    timeout=KEEPALIVE_INTERVAL_SECONDS,
                    return_when=asyncio.FIRST_COMPLETED,
                )
                if next_task.done():
                    yield next_task.result()
                    next_task = None
                elif not finished:
                    yield _KEEPALIVE_COMMENT
            if last_event := ended_tasks[0].result():
                yield last_event
        except StopAsyncIteration:
            pass
        finally:
            for task in end_tasks:
                task.cancel()
            if next_task is not None:
                next_task.cancel()
                with suppress(asyncio.CancelledError, StopAsyncIteration):
                    await next_task
