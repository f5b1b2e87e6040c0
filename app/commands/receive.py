"""`segments receive`: a receiver of webhooks for trying out distributions."""

import json
import sys
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from app.services.deliveries.signing import is_valid_signature

_HOST = "127.0.0.1"
_MAX_BODY_BYTES = 8 * 1024 * 1024
_READ_TIMEOUT_SECONDS = 10


def run(port: int, secret: str | None) -> None:
    """Prints what arrives until a signal. With a secret it answers 401 to a wrong signature."""
    server = ThreadingHTTPServer((_HOST, port), _make_handler(secret))
    print(f"Ready: http://{_HOST}:{server.server_port}/", flush=True)  # noqa: T201
    with server:
        server.serve_forever()


def _make_handler(secret: str | None) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = _READ_TIMEOUT_SECONDS

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length", "")
            if not length.isdigit() or int(length) > _MAX_BODY_BYTES:
                self.close_connection = True
                self._answer(413)
                return
            body = self.rfile.read(int(length))
            is_valid = secret is None or is_valid_signature(
                self.headers, body, secret, datetime.now(UTC)
            )
            verdict = "not checked" if secret is None else "valid" if is_valid else "INVALID"
            lines = (
                f"{self.path} {self.headers.get('Webhook-Id')} signature {verdict}",
                _format_body(body),
            )
            print(*lines, sep="\n", file=sys.stdout, flush=True)  # noqa: T201
            self._answer(204 if is_valid else 401)

        def _answer(self, status: int) -> None:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Logs nothing: the requests are printed."""

    return Handler


def _format_body(body: bytes) -> str:
    """The JSON indented and in ASCII, so that it can't control the terminal."""
    try:
        return json.dumps(json.loads(body), indent=2)
    except ValueError:
        return ascii(body)
