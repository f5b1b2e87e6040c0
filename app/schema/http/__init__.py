"""GraphQL over HTTP, WebSockets and server-sent events."""

from app.schema.http.request_errors import RequestError, request_error
from app.schema.http.view import GraphQLView

__all__ = ["GraphQLView", "RequestError", "request_error"]
