"""A transport of a connection whose client has to read what it is sent."""

import asyncio
from typing import Any

WRITE_TIMEOUT_SECONDS = 30.0
"""A connection that accepts no data for this time, or up to twice as long, is aborted."""
MAX_UNSENT_BYTES = 256 * 1024 * 1024
"""Limit of what all connections together have yet to send."""

_LARGE_BYTES = 1024 * 1024

_sending_transports: dict["WatchedTransport", None] = {}


class WatchedTransport:
    """Wraps a transport. Aborts the connection if the client accepts nothing of what is sent: a
    transport that is closed, too, first sends what it has buffered, and so may never end.

    Beyond MAX_UNSENT_BYTES it aborts the connections with much to send, first the one that has been
    sending for the longest.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._written_bytes = 0
        self._timer: asyncio.TimerHandle | None = None
        self.is_closing = transport.is_closing
        self.get_write_buffer_size = transport.get_write_buffer_size

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        self._transport.write(data)
        self._written_bytes += len(data)
        if self._timer is None and self.get_write_buffer_size():
            _sending_transports[self] = None
            self._watch()
        if len(data) >= _LARGE_BYTES:
            _limit_unsent_bytes()

    def stop_watching(self) -> asyncio.Transport:
        """Returns the wrapped transport, which is not watched any more."""
        _sending_transports.pop(self, None)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        return self._transport

    def _watch(self) -> None:
        self._timer = self._loop.call_later(WRITE_TIMEOUT_SECONDS, self._check, self._sent_bytes)

    @property
    def _sent_bytes(self) -> int:
        return self._written_bytes - self.get_write_buffer_size()

    def _check(self, sent_bytes_before: int) -> None:
        if not self.get_write_buffer_size():
            self.stop_watching()
        elif self._sent_bytes > sent_bytes_before:
            self._watch()
        else:
            self.stop_watching().abort()


def _limit_unsent_bytes() -> None:
    """Aborts connections until the limit is kept."""
    unsent_bytes = sum(each.get_write_buffer_size() for each in _sending_transports)
    for transport in list(_sending_transports):
        if unsent_bytes <= MAX_UNSENT_BYTES:
            return
        if (size := transport.get_write_buffer_size()) >= _LARGE_BYTES:
            unsent_bytes -= size
            transport.stop_watching().abort()
