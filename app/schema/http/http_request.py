"""Reading GraphQL requests over HTTP: method, media type and body."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from graphql import OperationType
from starlette.requests import HTTPConnection
from starlette.types import Receive

from app.client_disconnect import ClientDisconnected
from app.schema.http import graphql_request, media_types
from app.schema.http.graphql_request import LARGE_REQUEST_BYTES, GraphQLRequest
from app.schema.http.request_errors import RATE_LIMITED_CODE, request_error

MAX_LARGE_BODIES_IN_PROGRESS = 4
"""As many bodies of the largest size may be in memory."""


class RequestReader:
    """Reads requests with a limit on the size of a body, and on the size of all bodies of requests
    in progress together. Small bodies do not count, so that large ones cannot shut them out."""

    def __init__(self, max_body_bytes: int) -> None:
        self._max_body_bytes = max_body_bytes
        self._max_bytes_in_progress = max_body_bytes * MAX_LARGE_BODIES_IN_PROGRESS
        self._bytes_in_progress = 0

    @asynccontextmanager
    async def read(
        self, connection: HTTPConnection, receive: Receive
    ) -> AsyncIterator[GraphQLRequest]:
        """Reads the request, which is in progress until the context exits.

        Raises RequestError if it is malformed or too large, and ClientDisconnected if the client
        disconnects first.
        """
        _require_readable(connection)
        body = _Body()
        try:
            await self._receive(body, receive)
            yield await _parse(connection, body)
        finally:
            self._bytes_in_progress -= body.counted_bytes

    async def _receive(self, body: "_Body", receive: Receive) -> None:
        has_more = True
        while has_more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnected
            has_more = message.get("more_body", False)
            self._bytes_in_progress += body.add(message.get("body", b""))
            if body.size_bytes > self._max_body_bytes:
                raise request_error(413, f"The body is larger than {self._max_body_bytes:,} bytes.")
            if self._bytes_in_progress > self._max_bytes_in_progress:
                raise request_error(
                    503,
                    "The server is busy with other large requests; try again.",
                    RATE_LIMITED_CODE,
                    **{"Retry-After": "1"},
                )


class _Body:
    """The parts of a body that have arrived."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self.size_bytes = self.counted_bytes = 0

    def add(self, part: bytes) -> int:
        """Adds a part. Returns how many bytes count as in progress since then."""
        self._parts.append(part)
        self.size_bytes += len(part)
        newly_counted_bytes = max(self.size_bytes - LARGE_REQUEST_BYTES, 0) - self.counted_bytes
        self.counted_bytes += newly_counted_bytes
        return newly_counted_bytes

    def take(self) -> bytes:
        """Returns the whole body, and forgets it."""
        parts, self._parts = self._parts, []
        return b"".join(parts)


def _require_readable(connection: HTTPConnection) -> None:
    method = connection.scope["method"]
    if method not in ("GET", "POST"):
        raise request_error(405, "Use POST, or GET for a query.", Allow="GET, POST")
    if method == "POST" and not media_types.is_json(connection.headers.get("content-type", "")):
        raise request_error(415, "Send the request as application/json in UTF-8.")


async def _parse(connection: HTTPConnection, body: _Body) -> GraphQLRequest:
    if connection.scope["method"] == "GET":
        return graphql_request.from_query_string(connection.scope["query_string"])
    json_text = body.take()
    return graphql_request.from_json(await graphql_request.parse_json(json_text), len(json_text))


def check_method(connection: HTTPConnection, operation: OperationType) -> None:
    """Raises RequestError for a mutation by GET: otherwise a link could run a mutation."""
    if operation is OperationType.MUTATION and connection.scope["method"] == "GET":
        raise request_error(405, "Send a mutation by POST.", Allow="POST")
