"""The ASGI application: what is served, and on what paths."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from app.settings import Settings


def create_app(settings: Settings) -> Starlette:
    async def lives(request: Request) -> PlainTextResponse:
        return PlainTextResponse("ok")

    return Starlette(
        routes=[Route(path, lives) for path in ("/healthz", "/readyz", "/graphql")],
    )
