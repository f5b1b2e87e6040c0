"""uvicorn's HTTP protocol with limits of size and time for what a client sends, and of time for
what it reads. It loses no request at the end of a connection, and ignores upgrades to other
protocols than WebSocket."""

import asyncio
import select
import socket
import sys
from contextlib import suppress
from typing import cast

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from app.watched_transport import WatchedTransport

MAX_HEADER_BYTES = 64 * 1024
HEADER_TIMEOUT_SECONDS = 10.0
"""Time for the headers of a request, from the connection or from its first byte."""
BODY_TIMEOUT_SECONDS = 30.0
"""Time for the body of a request, from the end of its headers."""

_HEADERS_TOO_LARGE_STATUS = 431
_HEADERS_TOO_LARGE_TEXT = f"Headers are limited to {MAX_HEADER_BYTES // 1024} KiB."
_TIMEOUT_STATUS = 408
# A colon, a space, and the end of the line.
_SEPARATOR_BYTES_PER_HEADER = 4


class HeadersTooLarge(Exception):
    """Raised in a callback of the HTTP parser, to stop it."""


class BoundedHttpProtocol(HttpToolsProtocol):
    """Responds with 431 and closes the connection after more than 64 KiB of headers; with 408, and
    closes it, if the headers or the body take too long.

    The parser has no limit of its own, and copies an unfinished header again for each packet. The
    limit also counts trailers and chunk extensions: all bytes since the last progress in a message.
    A client that accepts nothing of its responses loses its connection.

    An upgrade to anything but a WebSocket is ignored. Java's HttpClient asks for one to HTTP/2 with
    its first request; the parser stops at such a request, and uvicorn loses its body.
    """

    _bytes_without_progress = 0
    _are_headers_too_large = False
    _closes_after_response = False
    _deadline: asyncio.TimerHandle | None = None
    _received_data = b""
    _watched_transport: WatchedTransport

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._watched_transport = WatchedTransport(transport, self.loop)
        super().connection_made(cast("asyncio.Transport", self._watched_transport))
        self._set_deadline("headers", HEADER_TIMEOUT_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        self._clear_deadline()
        self._watched_transport.stop_watching()
        super().connection_lost(exc)

    def close_after_response(self, *, closes_idle: bool) -> None:
        """Makes the next response close the connection, and say so. If `closes_idle`, closes a
        connection at once that has no request, not even one that is yet to be read: the kernel
        would reset it."""
        self._closes_after_response = True
        if self.cycle is not None and not self.cycle.response_complete:
            # The client of a response that has begun may send a further request.
            if not self.cycle.response_started:
                self.cycle.keep_alive = False
        elif closes_idle and self._bytes_without_progress == 0 and not self._has_unread_data():
            self._close_at_once()

    def _close_at_once(self) -> None:
        """Closes the connection. If all is sent, the client knows it when this returns: the event
        loop would tell it in a later iteration, and lose a request that it sends meanwhile."""
        if not self.transport.is_closing() and not self.transport.get_write_buffer_size():
            with suppress(OSError), self.transport.get_extra_info("socket").dup() as connection:
                connection.shutdown(socket.SHUT_WR)
        self.transport.close()

    def _has_unread_data(self) -> bool:
        if self.transport.is_closing():
            return False
        poll = select.poll()
        poll.register(self.transport.get_extra_info("socket"), select.POLLIN)
        return bool(poll.poll(0))

    def data_received(self, data: bytes) -> None:
        self._bytes_without_progress += len(data)
        self._received_data = data
        super().data_received(data)
        self._received_data = b""
        if self._bytes_without_progress > MAX_HEADER_BYTES and not self.transport.is_closing():
            self._are_headers_too_large = True
            self.send_400_response("")

    def handle_websocket_upgrade(self) -> None:
        # The protocol of the socket has a time limit of its own.
        self.transport = self._watched_transport.stop_watching()
        super().handle_websocket_upgrade()

    def on_message_begin(self) -> None:
        self._set_deadline("headers", HEADER_TIMEOUT_SECONDS)
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._bytes_without_progress = 0
        self._clear_deadline()
        header_bytes = sum(
            len(name) + len(value) + _SEPARATOR_BYTES_PER_HEADER for name, value in self.headers
        )
        if len(self.url) + header_bytes > MAX_HEADER_BYTES:
            # They arrived in one packet, or after another request.
            self._are_headers_too_large = True
            raise HeadersTooLarge
        if not self._ignores_upgrade():
            super().on_headers_complete()
            if self._closes_after_response and self.cycle is not None:
                self.cycle.keep_alive = False
            self._set_deadline("body", BODY_TIMEOUT_SECONDS)

    def on_body(self, body: bytes) -> None:
        self._bytes_without_progress = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._bytes_without_progress = 0
        self._clear_deadline()
        if not self._ignores_upgrade():
            super().on_message_complete()

    def _ignores_upgrade(self) -> bool:
        return (
            self.parser.should_upgrade()
            and not self._should_upgrade()
            and any(name == b"upgrade" for name, _ in self.headers)
        )

    def _unsupported_upgrade_warning(self) -> None:
        """Called by uvicorn in its handler of the exception by which the parser stops. Parses the
        request again without the header Upgrade."""
        error = sys.exception()
        if not self._ignores_upgrade() or not isinstance(error, httptools.HttpParserUpgrade):
            super()._unsupported_upgrade_warning()
            return
        (stopped_at,) = error.args
        rest = self._received_data[stopped_at:]
        version = self.parser.get_http_version().encode()
        head = [
            b"%s %s HTTP/%s" % (self.parser.get_method(), self.url, version),
            *(b"%s: %s" % header for header in self.headers if header[0] != b"upgrade"),
        ]
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self.data_received(b"\r\n".join([*head, b"", b""]) + rest)

    def send_400_response(self, msg: str) -> None:
        """Called by uvicorn for a request that it can't parse."""
        if self._are_headers_too_large:
            self._refuse(_HEADERS_TOO_LARGE_STATUS, _HEADERS_TOO_LARGE_TEXT)
        else:
            super().send_400_response(msg)

    def _set_deadline(self, part: str, seconds: float) -> None:
        self._clear_deadline()
        self._deadline = self.loop.call_later(seconds, self._time_out, part, seconds)

    def _clear_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _time_out(self, part: str, seconds: float) -> None:
        if self.transport.is_closing():
            return
        if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
            self._refuse(_TIMEOUT_STATUS, f"The {part} did not arrive within {seconds:g} seconds.")
        else:
            # The response may be on its way already.
            self.transport.close()

    def _refuse(self, status: int, text: str) -> None:
        body = text.encode()
        lines = (
            b"content-type: text/plain; charset=utf-8",
            b"content-length: %d" % len(body),
            b"connection: close",
            b"",
            body,
        )
        self.transport.write(STATUS_LINE[status] + b"\r\n".join(lines))
        self.transport.close()
