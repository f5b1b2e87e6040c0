"""Lets pages of other origins use the API, if ALLOWED_ORIGINS names their origin (CORS).

A browser asks for other origins before it sends JSON or a key, and hides responses that do not name
the page's origin. But it sends a WebSocket's handshake and a GET without asking, so the server
refuses them: they would run a query, or open a stream. Programs send no Origin.

A page can also load a URL as an image or a script, by a GET without an Origin. Browsers say so in
the headers Sec-Fetch-Site and Sec-Fetch-Mode. A link to another site is a navigation.
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
# Where a GET runs an operation.
_OPERATION_PATHS = ("/graphql", "/graphql/stream")
_OTHER_SITES = ("cross-site", "same-site")


class CrossOriginMiddleware:
    """ASGI middleware: answers the preflight requests of browsers, adds the headers of CORS to the
    responses for allowed origins, and refuses other requests of pages of other origins with 403."""

    def __init__(self, app: ASGIApp, allowed_origins: Collection[str]) -> None:
        self._app = app
        self._allowed_origins = frozenset(allowed_origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        if origin is None:
            is_refused = _is_loaded_by_other_site(scope, headers)
            await (_load_refusal() if is_refused else self._app)(scope, receive, send)
            return
        is_allowed = origin.lower() in self._allowed_origins
        is_refused = not is_allowed and not _is_same_origin(origin, headers)
        if scope["type"] == "websocket":
            if is_refused:
                await WebSocket(scope, receive, send).send_denial_response(_origin_refusal(origin))
            else:
                await self._app(scope, receive, send)
        elif is_refused:
            await _origin_refusal(origin)(scope, receive, send)
        elif is_allowed and _is_preflight(scope, headers):
            await _answer_preflight(origin, headers)(scope, receive, send)
        else:
            await self._app(
                scope, receive, _with_cors_headers(send, origin if is_allowed else None)
            )


def _is_loaded_by_other_site(scope: Scope, headers: Headers) -> bool:
    """Whether a page of another origin loads the response of an operation, as an image or so."""
    return (
        scope["type"] == "http"
        and scope["path"] in _OPERATION_PATHS
        and headers.get("sec-fetch-site") in _OTHER_SITES
        and headers.get("sec-fetch-mode") != "navigate"
    )


def _is_preflight(scope: Scope, headers: Headers) -> bool:
    return scope["method"] == "OPTIONS" and "access-control-request-method" in headers


def _answer_preflight(origin: str, headers: Headers) -> Response:
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


def _origin_refusal(origin: str) -> Response:
    shown_origin = origin[:_MAX_SHOWN_CHARACTERS]
    return _refusal(
        f"Pages of {shown_origin} may not use this server. Add the origin to"
        " SEGMENTS_ALLOWED_ORIGINS."
    )


def _load_refusal() -> Response:
    return _refusal(
        "Pages of other origins can't load this URL as an image or a script. Use fetch(), and add"
        " the origin to SEGMENTS_ALLOWED_ORIGINS."
    )


def _refusal(message: str) -> Response:
    return PlainTextResponse(f"{message}\n", status_code=403, headers={"Vary": "Origin"})
