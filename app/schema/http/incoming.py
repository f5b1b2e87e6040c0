"""A request as it comes in over HTTP: its method, its media type, its body."""

from collections.abc import Awaitable, Callable, Mapping

from graphql import OperationType
from starlette.requests import HTTPConnection
from starlette.types import Receive

from app.schema.http import media, requests
from app.schema.http.operations import ClientGone
from app.schema.http.refusals import refused
from app.schema.http.requests import GraphQLRequest

MakeContext = Callable[[HTTPConnection, Mapping[str, object]], Awaitable[object]]
"""From the connection and the payload of its connection_init ({} over HTTP)."""


async def read(connection: HTTPConnection, receive: Receive, most_bytes: int) -> GraphQLRequest:
    """What the client asks for; ClientGone where it leaves before it has said so."""
    match connection.scope["method"]:
        case "GET":
            await _body(receive, most_bytes)
            return requests.from_url(connection.scope["query_string"])
        case "POST":
            if not media.is_json(connection.headers.get("content-type", "")):
                raise refused(415, "Send the request as application/json in UTF-8.")
            body = await _body(receive, most_bytes)
            return requests.from_json(requests.read_json(body))
    raise refused(405, "Use POST, or GET for a query.", Allow="GET, POST")


def check_method(connection: HTTPConnection, operation: OperationType) -> None:
    """What changes something is not done by following a link."""
    if operation is OperationType.MUTATION and connection.scope["method"] == "GET":
        raise refused(405, "Send a mutation by POST.", Allow="POST")


async def _body(receive: Receive, most_bytes: int) -> bytes:
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
        if size > most_bytes:
            raise refused(413, f"The body is larger than {most_bytes:,} bytes.")
    return b"".join(chunks)
