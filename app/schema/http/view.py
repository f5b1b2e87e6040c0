"""The endpoint /graphql: GraphQL over HTTP (edition of September 2026), WebSockets and GraphiQL.

A client whose Accept header does not name application/graphql-response+json gets application/json.
In that media type every well-formed request has status 200.
"""

import asyncio
from functools import lru_cache, partial
from pathlib import Path

from graphql import OperationType
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry import Schema

from app.bundle_files import BundleFiles
from app.client_disconnect import ClientDisconnected, disconnect_waiter
from app.graphiql.build import BUNDLE_FOLDER
from app.graphiql.page import render_graphiql_page
from app.schema.http import http_request, http_responses, media_types
from app.schema.http.error_masking import TIMEOUT_CODE, log_internal_error
from app.schema.http.event_stream import EventStream
from app.schema.http.graphql_transport_ws import WebSocketSession
from app.schema.http.http_request import RequestReader
from app.schema.http.operations import Operations
from app.schema.http.request_errors import OperationError, RequestError, request_error
from app.schema.http.session import SessionOpener, prepare_operation
from app.schema.http.thread_time_meter import ThreadTimeMeter
from app.settings import Settings

_STOPPING_MESSAGE = (
    "The server stops before the operation has ended; try again. A mutation may have been carried"
    " out: read its result before you repeat it."
)


class GraphQLView:
    """The ASGI application at /graphql.

    It calls `open_session` first for each request, and for each WebSocket. The files of GraphiQL
    are in the folder `bundle`, if it has been built.
    """

    def __init__(
        self,
        schema: Schema,
        settings: Settings,
        open_session: SessionOpener,
        bundle: Path = BUNDLE_FOLDER,
    ) -> None:
        self._operations = Operations(
            schema,
            settings.operation_seconds,
            settings.max_operation_cost,
            uses_fast_executor=settings.fast_executor,
        )
        self._requests = RequestReader(settings.max_body_bytes)
        self._open_session = open_session
        self._bundle = bundle
        self._event_stream = EventStream(self._operations, self._requests, open_session)
        self._sockets: set[WebSocketSession] = set()
        self._is_stopping = False

    def stop(self) -> None:
        """Ends all subscriptions, and tells their clients to come back. Queries and mutations in
        progress end as usual, unless the server cancels them: they answer that it stops."""
        self._is_stopping = True
        self._event_stream.stop()
        for session in self._sockets:
            session.stop()

    def routes(self, path: str = "/graphql") -> list[BaseRoute]:
        """Returns the routes: HTTP and WebSockets at `path`; below it server-sent events and the
        files of GraphiQL."""
        return [
            Route(path, self),
            WebSocketRoute(path, self),
            Route(f"{path}/stream", self._event_stream),
            Mount(f"{path}/static", BundleFiles(self._bundle)),
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._serve_socket(WebSocket(scope, receive, send))
            return
        try:
            response = await self._respond(scope, receive)
        except ClientDisconnected:
            return
        await response(scope, receive, send)

    async def _serve_socket(self, websocket: WebSocket) -> None:
        session = WebSocketSession(
            websocket, self._operations, partial(self._open_session, websocket)
        )
        self._sockets.add(session)
        if self._is_stopping:
            session.stop()
        try:
            await session.serve()
        finally:
            self._sockets.discard(session)

    async def _respond(self, scope: Scope, receive: Receive) -> Response:
        connection = HTTPConnection(scope)
        if _wants_graphiql(connection):
            return render_graphiql_page(scope["path"], self._bundle)
        media_type: str | None = None
        try:
            media_type = _negotiate_media_type(connection.headers.get("accept", ""), scope["path"])
            session = await self._open_session(connection, {})
            meter = ThreadTimeMeter(session.charge)
            with meter.running():
                async with self._requests.read(connection, receive) as request:
                    operation = await prepare_operation(self._operations, request, session, meter)
                    _check_method(connection, operation.type)
                    result = await operation.run(session.make_context, disconnect_waiter(receive))
                encoded_result = await operation.encode(result)
            return http_responses.create_result_response(encoded_result, media_type)
        except RequestError as error:
            return http_responses.create_error_response(error, media_type or media_types.JSON)
        except ClientDisconnected:
            raise
        except asyncio.CancelledError:
            if not self._is_stopping:
                raise
            return http_responses.create_error_response(
                request_error(503, _STOPPING_MESSAGE, TIMEOUT_CODE, **{"Retry-After": "1"}),
                media_type or media_types.JSON,
            )
        except Exception as error:  # noqa: BLE001  (the response to any error is JSON)
            return http_responses.create_json_response(
                {"errors": [log_internal_error(error)]}, 500, media_type or media_types.JSON
            )


def _check_method(connection: HTTPConnection, operation: OperationType) -> None:
    if operation is OperationType.SUBSCRIPTION:
        raise OperationError(
            422,
            request_error(
                422,
                "Subscribe over the WebSocket (graphql-transport-ws), or by server-sent events"
                f" at {connection.scope['path']}/stream.",
            ).errors,
        )
    http_request.check_method(connection, operation)


def _wants_graphiql(connection: HTTPConnection) -> bool:
    """Returns whether a browser opens the page. A browser accepts more than */*."""
    accept = connection.headers.get("accept", "")
    return (
        connection.scope["method"] == "GET"
        and media_types.HTML in accept
        and b"query=" not in connection.scope["query_string"]
        and media_types.negotiate(
            accept, (media_types.JSON, media_types.GRAPHQL_RESPONSE, media_types.HTML)
        )
        == media_types.HTML
    )


@lru_cache(maxsize=256)
def _negotiate_media_type(accept: str, path: str) -> str:
    accepts_graphql_response = media_types.GRAPHQL_RESPONSE in accept.lower()
    offered_types = (
        (media_types.GRAPHQL_RESPONSE, media_types.JSON)
        if accepts_graphql_response
        else (media_types.JSON,)
    )
    if media_type := media_types.negotiate(accept, offered_types):
        return media_type
    raise request_error(
        406,
        f"The media types of a response are {media_types.GRAPHQL_RESPONSE} and {media_types.JSON};"
        f" for {media_types.EVENT_STREAM} send the request to {path}/stream.",
    )
