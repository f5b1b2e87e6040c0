"""Lets pages of other origins use the API, if ALLOWED_ORIGINS names their origin (CORS).

A browser asks for other origins before it sends JSON or a key, and hides responses that do not name
the page's origin. It does neither for a WebSocket, whose handshake is therefore refused. Programs
send no Origin.
"""

from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

_METHODS = "GET, HEAD, POST"
# The longest that Chromium keeps the answer; without it, each request would need two.
_PREFLIGHT_MAX_AGE_SECONDS = 7_200
_EXPOSED_HEADERS = "Content-Disposition, ETag, Retry-After, WWW-Authenticate, X-Request-Id"
_MAX_SHOWN_CHARACTERS = 100


class CrossOriginMiddleware:
    """ASGI middleware: answers the preflight requests of browsers, adds the headers of CORS to the
    responses for allowed origins, and refuses WebSockets of other origins with 403."""

    def __init__(self, app: ASGIApp, allowed_origins: Collection[str]) -> None:
        self._app = app
        self._allowed_origins = frozenset(allowed_origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope) if scope["type"] in ("http", "websocket") else Headers()
        origin = headers.get("origin")
        if origin is None:
            await self._app(scope, receive, send)
            return
        is_allowed = origin.lower() in self._allowed_origins
        if scope["type"] == "websocket":
            if is_allowed or _is_same_origin(origin, headers):
                await self._app(scope, receive, send)
            else:
                await WebSocket(scope, receive, send).send_denial_response(_refusal(origin))
        elif scope["method"] == "OPTIONS" and "access-control-request-method" in headers:
            await _answer_preflight(origin, headers, is_allowed=is_allowed)(scope, receive, send)
        else:
            await self._app(
                scope, receive, _with_cors_headers(send, origin if is_allowed else None)
            )


def _answer_preflight(origin: str, headers: Headers, *, is_allowed: bool) -> Response:
    if not is_allowed:
        return _refusal(origin)
    return Response(
        status_code=204,
        headers={
            "Access-Control-Allow-Origin": origin,
            "Access-Control-Allow-Methods": _METHODS,
            # Any header may be sent: a key is one, too, and a page has to know it. There are no
            # cookies, which a browser would add by itself.
            "Access-Control-Allow-Headers": headers.get("access-control-request-headers", ""),
            "Access-Control-Max-Age": str(_PREFLIGHT_MAX_AGE_SECONDS),
            "Vary": "Origin, Access-Control-Request-Headers",
        },
    )


def _with_cors_headers(send: Send, allowed_origin: str | None) -> Send:
    """Adds the headers to the response, whose body may be a stream."""

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.add_vary_header("Origin")
            if allowed_origin is not None:
                headers["Access-Control-Allow-Origin"] = allowed_origin
                headers["Access-Control-Expose-Headers"] = _EXPOSED_HEADERS
        await send(message)

    return send_with_headers


def _is_same_origin(origin: str, headers: Headers) -> bool:
    return urlsplit(origin).netloc.lower() == headers.get("host", "").lower()


def _refusal(origin: str) -> Response:
    shown_origin = origin[:_MAX_SHOWN_CHARACTERS]
    return PlainTextResponse(
        f"Pages of {shown_origin} may not use this server. Add the origin to"
        " SEGMENTS_ALLOWED_ORIGINS.\n",
        status_code=403,
        headers={"Vary": "Origin"},
    )
