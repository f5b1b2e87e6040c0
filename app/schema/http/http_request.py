"""Reading GraphQL requests over HTTP: method, media type and body."""

from graphql import OperationType
from starlette.requests import HTTPConnection
from starlette.types import Receive

from app.schema.http import graphql_request, media_types
from app.schema.http.graphql_request import GraphQLRequest
from app.schema.http.operations import ClientDisconnected
from app.schema.http.request_errors import request_error


async def read_request(
    connection: HTTPConnection, receive: Receive, max_body_bytes: int
) -> GraphQLRequest:
    """Reads the request.

    Raises RequestError if it is malformed, and ClientDisconnected if the client disconnects first.
    """
    match connection.scope["method"]:
        case "GET":
            await _read_body(receive, max_body_bytes)
            return graphql_request.from_query_string(connection.scope["query_string"])
        case "POST":
            if not media_types.is_json(connection.headers.get("content-type", "")):
                raise request_error(415, "Send the request as application/json in UTF-8.")
            body = await _read_body(receive, max_body_bytes)
            return graphql_request.from_json(graphql_request.read_json(body))
    raise request_error(405, "Use POST, or GET for a query.", Allow="GET, POST")


def check_method(connection: HTTPConnection, operation: OperationType) -> None:
    """Raises RequestError for a mutation by GET: otherwise a link could run a mutation."""
    if operation is OperationType.MUTATION and connection.scope["method"] == "GET":
        raise request_error(405, "Send a mutation by POST.", Allow="POST")


async def _read_body(receive: Receive, max_body_bytes: int) -> bytes:
    """Reads the whole body. Raises RequestError if it is too large."""
    chunks: list[bytes] = []
    size_bytes, has_more = 0, True
    while has_more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnected
        chunks.append(message.get("body", b""))
        has_more = message.get("more_body", False)
        size_bytes += len(chunks[-1])
        if size_bytes > max_body_bytes:
            raise request_error(413, f"The body is larger than {max_body_bytes:,} bytes.")
    return b"".join(chunks)
