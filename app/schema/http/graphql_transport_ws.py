"""The WebSocket protocol graphql-transport-ws: many concurrent operations over one connection.

A server that is to stop ends subscriptions, lets queries and mutations end, and closes the socket
with 1012 (service restart). Clients then reconnect, and subscribe again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import ExitStack, aclosing, contextmanager, nullcontext, suppress
from http import HTTPStatus

import orjson
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketDisconnected

from app.own_task import cancel_until_done
from app.schema.http.error_masking import log_internal_error
from app.schema.http.graphql_request import from_json
from app.schema.http.operations import Operations
from app.schema.http.request_errors import JSON, RequestError, request_error
from app.schema.http.session import CallerSession, prepare_operation
from app.schema.http.socket_messages import (
    SUBPROTOCOL,
    ClientMessage,
    ProtocolError,
    parse_message,
)
from app.schema.http.thread_time_meter import ThreadTimeMeter

INIT_TIMEOUT_SECONDS = 10
PING_INTERVAL_SECONDS = 20
CLOSE_TIMEOUT_SECONDS = 2
MAX_OPERATIONS_PER_CONNECTION = 100
FORBIDDEN_CLOSE_CODE = 4403
TRY_AGAIN_LATER_CLOSE_CODE = 1013
RESTART_CLOSE_CODE = 1012
_FINISH_POLL_SECONDS = 0.1
_DISCONNECT_ERRORS = (WebSocketDisconnect, WebSocketDisconnected)


class WebSocketSession:
    """One WebSocket connection, from its handshake to its end."""

    def __init__(
        self,
        websocket: WebSocket,
        operations: Operations,
        open_session: Callable[[Mapping[str, object]], Awaitable[CallerSession]],
    ) -> None:
        self._websocket = websocket
        self._operations = operations
        self._open_session = open_session
        self._operation_tasks: dict[str, asyncio.Task[None]] = {}
        self._subscription_tasks: set[asyncio.Task[None]] = set()
        self._init_timeout: asyncio.Timeout | None = None
        self._stop_request = asyncio.get_running_loop().create_future()

    def stop(self) -> None:
        """Closes the socket with RESTART_CLOSE_CODE once its queries and mutations have ended."""
        if not self._stop_request.done():
            self._stop_request.set_result(None)
        if self._init_timeout is not None:
            self._init_timeout.reschedule(0)

    async def serve(self) -> None:
        try:
            if SUBPROTOCOL not in self._websocket.scope["subprotocols"]:
                await self._websocket.accept()
                raise ProtocolError(4406, f"Use the subprotocol {SUBPROTOCOL}")
            await self._websocket.accept(SUBPROTOCOL)
            await self._run_session()
        except ProtocolError as error:
            await self._close(error)
        except _DISCONNECT_ERRORS:
            pass

    async def _run_session(self) -> None:
        with ExitStack() as exit_stack:
            session = await self._initialize(exit_stack)
            try:
                await self._receive_until_invalid(session)
            finally:
                await self._stop_all()

    async def _receive_until_invalid(self, session: CallerSession) -> None:
        """Handles messages until the client disconnects, its session becomes invalid, or the server
        is to stop."""
        receiving_task = asyncio.create_task(self._receive_messages(session))
        invalid_task = asyncio.create_task(session.wait_until_invalid())
        try:
            await asyncio.wait(
                {receiving_task, invalid_task, self._stop_request},
                return_when=asyncio.FIRST_COMPLETED,
            )
            if receiving_task.done():
                await receiving_task
            if self._stop_request.done():
                receiving_task.cancel()
                await self._finish_operations()
                raise _restarting()
            raise ProtocolError(FORBIDDEN_CLOSE_CODE, "The key has expired or was revoked")
        finally:
            receiving_task.cancel()
            invalid_task.cancel()
            await asyncio.gather(receiving_task, invalid_task, return_exceptions=True)

    async def _receive_messages(self, session: CallerSession) -> None:
        """Handles messages until the client disconnects.

        The server pings a client that is silent for PING_INTERVAL_SECONDS. It closes the connection
        if the client stays silent for as long again.
        """
        is_ping_pending = False
        while True:
            try:
                async with asyncio.timeout(PING_INTERVAL_SECONDS):
                    text = await self._receive_text()
            except TimeoutError:
                if is_ping_pending:
                    raise ProtocolError(4408, "No answer to a ping") from None
                is_ping_pending = True
                await _send_with_timeout(self._send({"type": "ping"}))
            else:
                is_ping_pending = False
                message = await parse_message(text)
                await _send_with_timeout(self._handle_message(message, session))

    async def _close(self, error: ProtocolError) -> None:
        """Closes the connection with the code and the reason, unless the client accepts no data."""
        with suppress(*_DISCONNECT_ERRORS, TimeoutError):
            async with asyncio.timeout(CLOSE_TIMEOUT_SECONDS):
                await self._websocket.close(error.code, error.reason)

    async def _initialize(self, exit_stack: ExitStack) -> CallerSession:
        """Waits for connection_init, within INIT_TIMEOUT_SECONDS, and opens the session of its
        caller, whose socket counts until the stack closes."""
        try:
            timeout_seconds = 0 if self._stop_request.done() else INIT_TIMEOUT_SECONDS
            async with asyncio.timeout(timeout_seconds) as self._init_timeout:
                message = await parse_message(await self._receive_text())
                while message.type != "connection_init":
                    if message.type == "subscribe":
                        raise ProtocolError(4401, "Unauthorized")
                    await self._handle_ping(message)
                    message = await parse_message(await self._receive_text())
        except TimeoutError:
            if self._stop_request.done():
                raise _restarting() from None
            raise ProtocolError(4408, "Connection initialisation timeout") from None
        finally:
            self._init_timeout = None
        try:
            session = await self._open_session(message.payload or {})
            exit_stack.enter_context(session.count_stream())
        except RequestError as error:
            if error.status == HTTPStatus.UNAUTHORIZED:
                reason = "Send a valid key as `authorization` in the payload of connection_init"
                raise ProtocolError(FORBIDDEN_CLOSE_CODE, reason) from None
            raise ProtocolError(TRY_AGAIN_LATER_CLOSE_CODE, str(error)) from None
        await self._send({"type": "connection_ack"})
        return session

    async def _receive_text(self) -> str | None:
        """Returns the text of the next message; None if it is binary."""
        event = await self._websocket.receive()
        if event["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(event.get("code", 1000))
        text: str | None = event.get("text")
        return text

    async def _handle_ping(self, message: ClientMessage) -> None:
        if message.type == "ping":
            await self._send({"type": "pong"})

    async def _handle_message(self, message: ClientMessage, session: CallerSession) -> None:
        match message.type:
            case "ping" | "pong":
                await self._handle_ping(message)
            case "subscribe":
                await self._start_operation(message, session)
            case "complete":
                if task := self._operation_tasks.pop(message.operation_id, None):
                    task.cancel()
            case "connection_init":
                raise ProtocolError(4429, "Too many initialisation requests")

    async def _start_operation(self, message: ClientMessage, session: CallerSession) -> None:
        operation_id = message.operation_id
        if operation_id in self._operation_tasks:
            raise ProtocolError(4409, f"Subscriber for {operation_id} already exists")
        if len(self._operation_tasks) >= MAX_OPERATIONS_PER_CONNECTION:
            error = request_error(
                422, f"A socket runs at most {MAX_OPERATIONS_PER_CONNECTION} operations at once."
            )
            await self._send({"id": operation_id, "type": "error", "payload": error.errors})
            return
        self._operation_tasks[operation_id] = asyncio.create_task(
            self._run_operation(message, session)
        )

    async def _run_operation(self, message: ClientMessage, session: CallerSession) -> None:
        """Sends the results and then `complete`; or an `error`, which ends the operation too."""
        operation_id = message.operation_id
        try:
            request = from_json(message.payload, message.size_bytes)
            meter = ThreadTimeMeter(session.charge)
            with meter.running():
                operation = await prepare_operation(self._operations, request, session, meter)
            with self._subscribed(session) if operation.is_subscription else nullcontext():
                async with aclosing(operation.results(session.make_context)) as results:
                    async for result, _ in results:
                        encoded_result = await operation.encode(result)
                        await self._send_result(operation_id, encoded_result.text)
            final_message: JSON = {"id": operation_id, "type": "complete"}
        except RequestError as error:
            final_message = {"id": operation_id, "type": "error", "payload": error.errors}
        except _DISCONNECT_ERRORS:
            return
        except Exception as error:  # noqa: BLE001  (an error ends its operation, not the connection)
            final_message = {
                "id": operation_id,
                "type": "error",
                "payload": [log_internal_error(error)],
            }
        # The client may reuse the id as soon as it receives the final message.
        self._operation_tasks.pop(operation_id, None)
        with suppress(*_DISCONNECT_ERRORS):
            await self._send(final_message)

    @contextmanager
    def _subscribed(self, session: CallerSession) -> Iterator[None]:
        """Counts the current task as a subscription until the context exits."""
        task = asyncio.current_task()
        assert task is not None
        with session.count_stream():
            self._subscription_tasks.add(task)
            try:
                yield
            finally:
                self._subscription_tasks.discard(task)

    async def _send_result(self, operation_id: str, result_text: bytes) -> None:
        message = b'{"id":%s,"type":"next","payload":%s}' % (
            orjson.dumps(operation_id),
            result_text,
        )
        await self._websocket.send_text(message.decode())

    async def _send(self, message: JSON) -> None:
        await self._websocket.send_text(orjson.dumps(message).decode())

    async def _finish_operations(self) -> None:
        """Waits for queries and mutations. Cancels subscriptions, also those that begin meanwhile:
        none has sent anything yet."""
        tasks = set(self._operation_tasks.values())
        while tasks:
            for task in tasks & self._subscription_tasks:
                task.cancel()
            _, tasks = await asyncio.wait(
                tasks, timeout=_FINISH_POLL_SECONDS, return_when=asyncio.FIRST_COMPLETED
            )

    async def _stop_all(self) -> None:
        await cancel_until_done(list(self._operation_tasks.values()))


async def _send_with_timeout(send: Awaitable[None]) -> None:
    """Awaits `send`. Raises ProtocolError after PING_INTERVAL_SECONDS without success."""
    try:
        async with asyncio.timeout(PING_INTERVAL_SECONDS):
            await send
    except TimeoutError:
        raise ProtocolError(4408, "The client accepts no data") from None


def _restarting() -> ProtocolError:
    return ProtocolError(RESTART_CLOSE_CODE, "The server restarts; connect again")
