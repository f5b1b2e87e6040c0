"""A uvicorn server that stops without losing a request."""

import asyncio
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import uvicorn

from app.http_protocol import BoundedHttpProtocol

IDLE_SECONDS = 1.0
"""A connection without a request stays open for this time: the next request may be on its way."""
_CANCEL_SECONDS = 1.0
_POLL_SECONDS = 0.02


class GracefulServer(uvicorn.Server):
    """Stops when `handle_exit` is called. `stop_streams` is called first, and makes streams and
    sockets end.

    The server stops in this order:

    1. It accepts the connections that the kernel has queued, and closes its listeners.
    2. Requests in progress end. Each connection closes after its next response, which says so, or
       after IDLE_SECONDS without a request.
    3. What has not ended after `stop_seconds` is cancelled, and answers that the server stops.

    Signals are left to the caller: uvicorn would raise them again after its shutdown.
    """

    def __init__(
        self, config: uvicorn.Config, stop_seconds: float, stop_streams: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._stop_seconds = stop_seconds
        self._stop_streams = stop_streams

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        clock = asyncio.get_running_loop().time
        started_at = clock()
        self._stop_streams()
        await self._stop_listening(sockets or [])
        while self._is_busy and clock() - started_at < self._stop_seconds:
            self._close_finished(closes_idle=clock() - started_at >= IDLE_SECONDS)
            await asyncio.sleep(_POLL_SECONDS)
        await self._cancel_requests()

    @property
    def _is_busy(self) -> bool:
        state = self.server_state
        return bool(state.connections or state.tasks) and not self.force_exit

    async def _stop_listening(self, listeners: Sequence[socket.socket]) -> None:
        """Closes the listeners. The kernel would reset the connections that it has queued for them,
        so these are accepted before."""
        queued = [connection for listener in listeners for connection in _accept_queued(listener)]
        for server in self.servers:
            server.close()
        for listener in listeners:
            listener.close()
        loop = asyncio.get_running_loop()
        for connection in queued:
            await loop.connect_accepted_socket(self._create_protocol, connection)

    def _create_protocol(self) -> BoundedHttpProtocol:
        return BoundedHttpProtocol(self.config, self.server_state, self.lifespan.state)

    def _close_finished(self, *, closes_idle: bool) -> None:
        for connection in list(self.server_state.connections):
            if isinstance(connection, BoundedHttpProtocol):
                connection.close_after_response(closes_idle=closes_idle)

    async def _cancel_requests(self) -> None:
        """Closes the WebSockets that are left with 1012. Cancels the requests that are left, and
        waits for a moment until they have answered."""
        tasks = set(self.server_state.tasks)
        for connection in list(self.server_state.connections):
            if not isinstance(connection, BoundedHttpProtocol):
                connection.shutdown()
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=_CANCEL_SECONDS)
        self._close_finished(closes_idle=True)
        # The transports write what they have buffered.
        await asyncio.sleep(_POLL_SECONDS)


def _accept_queued(listener: socket.socket) -> Iterator[socket.socket]:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        connection.setblocking(False)
        yield connection
