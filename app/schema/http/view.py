"""/graphql: GraphQL over HTTP as its edition of September 2026 has it, GraphiQL, and the socket.

A client that doesn't name application/graphql-response+json in its Accept header gets
application/json, where every request that was well-formed is answered with status 200.
"""

from collections.abc import Awaitable, Callable, Mapping
from functools import lru_cache, partial
from pathlib import Path

import orjson
from graphql import OperationType
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry import Schema

from app.graphiql.build import BUNDLE
from app.graphiql.page import BundleFiles, page
from app.schema.http import media, requests
from app.schema.http.masking import failed
from app.schema.http.operations import ClientGone, Operations
from app.schema.http.refusals import JSON, OperationRefused, RequestRefused, refused
from app.schema.http.requests import GraphQLRequest
from app.schema.http.socket import Socket
from app.settings import Settings

PARTIAL_SUCCESS = 294

MakeContext = Callable[[HTTPConnection, Mapping[str, object]], Awaitable[object]]
"""From the connection and the payload of its connection_init ({} over HTTP)."""


class GraphQLView:
    """The ASGI application at /graphql.

    `context` is called afresh for each operation, and for each event of a subscription. It may
    raise RequestRefused: `refused(401, "...", "UNAUTHENTICATED")`. GraphiQL comes from `bundle`
    where that has been built.
    """

    def __init__(
        self, schema: Schema, settings: Settings, context: MakeContext, bundle: Path = BUNDLE
    ) -> None:
        self._operations = Operations(schema, settings.operation_seconds)
        self._max_body_bytes = settings.max_body_bytes
        self._context = context
        self._bundle = bundle

    def routes(self, path: str = "/graphql") -> list[BaseRoute]:
        """The endpoint at this path, for HTTP and the socket, and below it GraphiQL's files."""
        return [
            Route(path, self),
            WebSocketRoute(path, self),
            Mount(f"{path}/static", BundleFiles(self._bundle)),
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            websocket = WebSocket(scope, receive, send)
            await Socket(websocket, self._operations, partial(self._context, websocket)).serve()
            return
        try:
            response = await self._respond(scope, receive)
        except ClientGone:
            return
        await response(scope, receive, send)

    async def _respond(self, scope: Scope, receive: Receive) -> Response:
        connection = HTTPConnection(scope)
        if _wants_page(connection):
            return page(scope["path"], self._bundle)
        media_type: str | None = None
        try:
            media_type = _media_type(connection.headers.get("accept", ""))
            request = await self._read(connection, receive)
            operation = self._operations.find(request)
            _check_method(connection, operation.type)
            answer = await operation.run(
                partial(self._context, connection, {}), partial(_disconnected, receive)
            )
            return _encoded(answer, media_type)
        except RequestRefused as refusal:
            return _refusal(refusal, media_type or media.JSON)
        except ClientGone:
            raise
        except Exception as failure:  # noqa: BLE001  (whatever broke, the answer is JSON)
            return _json({"errors": [failed(failure)]}, 500, media_type or media.JSON)

    async def _read(self, connection: HTTPConnection, receive: Receive) -> GraphQLRequest:
        match connection.scope["method"]:
            case "GET":
                await self._body(receive)
                return requests.from_url(connection.scope["query_string"])
            case "POST":
                if not media.is_json(connection.headers.get("content-type", "")):
                    raise refused(415, "Send the request as application/json in UTF-8.")
                body = await self._body(receive)
                return requests.from_json(requests.read_json(body))
        raise refused(405, "Use POST, or GET for a query.", Allow="GET, POST")

    async def _body(self, receive: Receive) -> bytes:
        """All of it, unless it is larger than allowed."""
        chunks: list[bytes] = []
        size, more = 0, True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientGone
            chunks.append(message.get("body", b""))
            more = message.get("more_body", False)
            size += len(chunks[-1])
            if size > self._max_body_bytes:
                raise refused(413, f"The body is larger than {self._max_body_bytes:,} bytes.")
        return b"".join(chunks)


def _check_method(connection: HTTPConnection, operation: OperationType) -> None:
    if operation is OperationType.SUBSCRIPTION:
        raise OperationRefused(
            422, refused(422, "Subscribe over the WebSocket (graphql-transport-ws).").errors
        )
    if operation is OperationType.MUTATION and connection.scope["method"] == "GET":
        raise refused(405, "Send a mutation by POST.", Allow="POST")


def _wants_page(connection: HTTPConnection) -> bool:
    """A browser that opens the address; */* alone is no browser."""
    accept = connection.headers.get("accept", "")
    return (
        connection.scope["method"] == "GET"
        and media.HTML in accept
        and b"query=" not in connection.scope["query_string"]
        and media.preferred(accept, (media.JSON, media.GRAPHQL, media.HTML)) == media.HTML
    )


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


@lru_cache(maxsize=256)
def _media_type(accept: str) -> str:
    named = media.GRAPHQL in accept.lower()
    offered = (media.GRAPHQL, media.JSON) if named else (media.JSON,)
    if chosen := media.preferred(accept, offered):
        return chosen
    raise refused(406, f"This can be had as {media.GRAPHQL} or {media.JSON} only.")


def _encoded(answer: JSON, media_type: str) -> Response:
    partly = "errors" in answer and media_type == media.GRAPHQL
    return _json(answer, PARTIAL_SUCCESS if partly else 200, media_type)


def _refusal(refusal: RequestRefused, media_type: str) -> Response:
    legacy = isinstance(refusal, OperationRefused) and media_type == media.JSON
    status = 200 if legacy else refusal.status
    return _json({"errors": refusal.errors}, status, media_type, refusal.headers)


def _json(
    answer: JSON, status: int, media_type: str, headers: Mapping[str, str] | None = None
) -> Response:
    return Response(
        orjson.dumps(answer),
        status,
        {"Cache-Control": "no-store", **(headers or {})},
        f"{media_type}; charset=utf-8" if media_type == media.GRAPHQL else media_type,
    )
