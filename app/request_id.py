"""Gives each request an id, which its log lines and its response carry."""

import re
import secrets

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADER = "X-Request-Id"
_VALID_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_RANDOM_BYTES = 8
_LOG_KEY = "request_id"


class RequestIdMiddleware:
    """ASGI middleware: takes the id from the header of a proxy, or makes one. The log lines of a
    WebSocket carry the id of its handshake."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        sent_id = Headers(scope=scope).get(HEADER, "")
        request_id = sent_id if _VALID_ID.fullmatch(sent_id) else _make_id()

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[HEADER] = request_id
            await send(message)

        with structlog.contextvars.bound_contextvars(**{_LOG_KEY: request_id}):
            await self._app(scope, receive, send_with_id)


def current_request_id() -> str:
    """Returns the id of the request that is being processed; outside of one, a new id."""
    request_id: str | None = structlog.contextvars.get_contextvars().get(_LOG_KEY)
    return request_id or _make_id()


def _make_id() -> str:
    return secrets.token_hex(_RANDOM_BYTES)
