"""GraphQL at the door: HTTP and the WebSocket."""

from app.schema.http.refusals import RequestRefused, refused
from app.schema.http.view import GraphQLView

__all__ = ["GraphQLView", "RequestRefused", "refused"]
