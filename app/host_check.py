"""Rejects requests to host names that are not allowed, as a defence against DNS rebinding.

A web page of another site can make its own name resolve to this machine. The browser then treats
requests to this server as same-origin, so neither CORS nor the WebSocket's origin check stops them.
They still carry the other site's name in the Host header.
"""

import ipaddress
import re
from collections.abc import Collection
from functools import lru_cache

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

_HOST_HEADER = re.compile(r"(?P<name>\[[0-9a-fA-F:.]+\]|[^\[\]:]+)(:[0-9]*)?")
_MAX_SHOWN_CHARACTERS = 100
_MAX_REMEMBERED_HOSTS = 64


def is_loopback(name: str) -> bool:
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"


class HostCheckMiddleware:
    """ASGI middleware: responds with 421 if Host is neither a loopback name nor allowed."""

    def __init__(self, app: ASGIApp, allowed_hosts: Collection[str]) -> None:
        self._app = app
        self._allowed_hosts = frozenset(map(_normalize, allowed_hosts))
        # Almost all requests name the same host.
        self._is_allowed = lru_cache(_MAX_REMEMBERED_HOSTS)(self._check)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        hosts = Headers(scope=scope).getlist("host")
        if hosts and all(map(self._is_allowed, hosts)):
            await self._app(scope, receive, send)
            return
        response = PlainTextResponse(_error_message(hosts), status_code=421)
        if scope["type"] == "websocket":
            await WebSocket(scope, receive, send).send_denial_response(response)
        else:
            await response(scope, receive, send)

    def _check(self, host: str) -> bool:
        match = _HOST_HEADER.fullmatch(host)
        if match is None:
            return False
        name = _normalize(match["name"])
        return is_loopback(name) or name in self._allowed_hosts


def _normalize(name: str) -> str:
    return name.lower().removesuffix(".").removeprefix("[").removesuffix("]")


def _error_message(hosts: list[str]) -> str:
    if not hosts:
        return "The request has no Host header."
    shown_hosts = ", ".join(hosts)[:_MAX_SHOWN_CHARACTERS]
    return (
        f"This server does not answer to the host {shown_hosts}. Add it to SEGMENTS_ALLOWED_HOSTS."
    )
