"""uvicorn's WebSocket protocol, which also refuses what is no WebSocket."""

from uvicorn.protocols.http.httptools_impl import STATUS_LINE
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

ABORT_DELAY_SECONDS = 10.0
"""Time for a client to accept what has been sent to it, once its session has ended."""

_INVALID_TEXT_CLOSE_CODE = 1007
_BAD_REQUEST = STATUS_LINE[400] + b"content-length: 0\r\nconnection: close\r\n\r\n"


class StrictWebSocketProtocol(WebSocketsSansIOProtocol):
    """Answers each handshake, closes the connection with 1007 after text that is not UTF-8, and
    drops a connection that does not end.

    uvicorn leaves a connection open without a response if the handshake is malformed, has more than
    128 headers or a line of more than 8 KiB. It logs a traceback for text that is not UTF-8. It
    keeps a connection for as long as the client does not read.
    """

    async def run_asgi(self) -> None:
        await super().run_asgi()
        self.loop.call_later(ABORT_DELAY_SECONDS, self.transport.abort)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.handshake_exc is not None and not self.handshake_initiated:
            # For a handshake that is too large, websockets has made a response.
            self.transport.write(b"".join(self.conn.data_to_send()) or _BAD_REQUEST)
            self.transport.close()

    def handle_parser_exception(self) -> None:
        """Called by uvicorn for malformed frames. Drops what the program sends afterwards: uvicorn
        would raise an error for it."""
        super().handle_parser_exception()
        self.disconnected = True

    def send_receive_event_to_app(self) -> None:
        """Called by uvicorn with a whole message in `frames`."""
        if self.curr_msg_data_type == "text" and not self.close_sent:
            try:
                self.frames = [b"".join(self.frames)]
                self.frames[0].decode()
            except UnicodeDecodeError:
                self.frames = []
                self.conn.send_close(_INVALID_TEXT_CLOSE_CODE)
                self.handle_parser_exception()
                return
        super().send_receive_event_to_app()
