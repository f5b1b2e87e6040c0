"""uvicorn's HTTP protocol with a limit for headers, trailers and chunk extensions."""

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

MAX_HEADER_BYTES = 64 * 1024

_HEADERS_TOO_LARGE_BODY = f"Headers are limited to {MAX_HEADER_BYTES // 1024} KiB.".encode()
# A colon, a space, and the end of the line.
_SEPARATOR_BYTES_PER_HEADER = 4


class HeadersTooLarge(Exception):
    """Raised in a callback of the HTTP parser, to stop it."""


class BoundedHttpProtocol(HttpToolsProtocol):
    """Responds with 431 and closes the connection after more than 64 KiB of headers.

    The parser has no limit of its own, and copies an unfinished header again for each packet. The
    limit also counts trailers and chunk extensions: all bytes since the last progress in a message.
    """

    _bytes_without_progress = 0
    _are_headers_too_large = False

    def data_received(self, data: bytes) -> None:
        self._bytes_without_progress += len(data)
        super().data_received(data)
        if self._bytes_without_progress > MAX_HEADER_BYTES and not self.transport.is_closing():
            self._are_headers_too_large = True
            self.send_400_response("")

    def on_headers_complete(self) -> None:
        self._bytes_without_progress = 0
        header_bytes = sum(
            len(name) + len(value) + _SEPARATOR_BYTES_PER_HEADER for name, value in self.headers
        )
        if len(self.url) + header_bytes > MAX_HEADER_BYTES:
            # They arrived in one packet, or after another request.
            self._are_headers_too_large = True
            raise HeadersTooLarge
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._bytes_without_progress = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._bytes_without_progress = 0
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Called by uvicorn for a request that it can't parse."""
        if not self._are_headers_too_large:
            super().send_400_response(msg)
            return
        lines = (
            b"content-type: text/plain; charset=utf-8",
            b"content-length: %d" % len(_HEADERS_TOO_LARGE_BODY),
            b"connection: close",
            b"",
            _HEADERS_TOO_LARGE_BODY,
        )
        self.transport.write(STATUS_LINE[431] + b"\r\n".join(lines))
        self.transport.close()
