"""uvicorn's HTTP protocol with a limit for what a client sends outside of a body."""

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

MAX_HEADER_BYTES = 64 * 1024

_HEADERS_TOO_LARGE_BODY = f"Headers are limited to {MAX_HEADER_BYTES // 1024} KiB.".encode()
# A colon, a space, and the end of the line.
_SEPARATOR_BYTES_PER_HEADER = 4


class HeadersTooLarge(Exception):
    """Raised inside the parser, which then stops."""


class BoundedHttpProtocol(HttpToolsProtocol):
    """Closes a connection with 431 as soon as it has sent more than 64 KiB of headers.

    The parser itself has no limit, and keeps an unfinished header in memory which it copies for
    each packet. The same goes for trailers and chunk extensions: whatever makes no progress counts.
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
            # They came in one packet, or behind another request.
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
        """What uvicorn calls for a request that it can't parse."""
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
