"""/graphql: GraphQL over HTTP as its edition of September 2026 has it, GraphiQL, and the socket.

A client that doesn't name application/graphql-response+json in its Accept header gets
application/json, where every request that was well-formed is answered with status 200.
"""

from functools import lru_cache, partial
from pathlib import Path

from graphql import OperationType
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry import Schema

from app.graphiql.build import BUNDLE
from app.graphiql.page import BundleFiles, page
from app.schema.http import incoming, media, responses
from app.schema.http.incoming import MakeContext
from app.schema.http.masking import failed
from app.schema.http.operations import ClientGone, Operations
from app.schema.http.refusals import OperationRefused, RequestRefused, refused
from app.schema.http.socket import Socket
from app.schema.http.stream import EventStream
from app.settings import Settings


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
        self._stream = EventStream(self._operations, settings.max_body_bytes, context)

    def end(self) -> None:
        """Cuts off those who listen to server-sent events, for whom a server that is told to stop
        would wait."""
        self._stream.end()

    def routes(self, path: str = "/graphql") -> list[BaseRoute]:
        """The endpoint at this path, for HTTP and the socket; below it the one for server-sent
        events, and GraphiQL's files."""
        return [
            Route(path, self),
            WebSocketRoute(path, self),
            Route(f"{path}/stream", self._stream),
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
            request = await incoming.read(connection, receive, self._max_body_bytes)
            operation = self._operations.find(request)
            _check_method(connection, operation.type)
            answer = await operation.run(
                partial(self._context, connection, {}), partial(_disconnected, receive)
            )
            return responses.answer(answer, media_type)
        except RequestRefused as refusal:
            return responses.refusal(refusal, media_type or media.JSON)
        except ClientGone:
            raise
        except Exception as failure:  # noqa: BLE001  (whatever broke, the answer is JSON)
            return responses.json({"errors": [failed(failure)]}, 500, media_type or media.JSON)


def _check_method(connection: HTTPConnection, operation: OperationType) -> None:
    if operation is OperationType.SUBSCRIPTION:
        raise OperationRefused(
            422,
            refused(
                422,
                "Subscribe over the WebSocket (graphql-transport-ws), or by server-sent events"
                f" at {connection.scope['path']}/stream.",
            ).errors,
        )
    incoming.check_method(connection, operation)


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
