"""The ASGI application: what is served, and on what paths."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from app.announcements import Announcements
from app.errors import Unusable
from app.graphiql.build import BUNDLE
from app.hosts import HostCheck
from app.metrics import metrics
from app.queue import ArqQueue, connect
from app.schema import Context, schema
from app.schema.http import GraphQLView
from app.services import Services
from app.settings import Settings
from app.store import Store
from app.vital import vital

_PATIENCE_SECONDS = 2


def create_app(settings: Settings, host: str = "127.0.0.1") -> Starlette:
    """The API over the stores that the settings name; they are opened as it starts.

    It answers to the names of loopback, to `host`, on which it listens, and to those that the
    settings allow.
    """

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        if settings.redis_url is None:
            raise Unusable("REDIS_URL is not set; name a Redis or Valkey, or use `segments up`.")
        async with AsyncExitStack() as opened:
            app.state.redis = connect(settings.redis_url.get_secret_value())
            opened.push_async_callback(app.state.redis.aclose)
            app.state.store = await Store.open(settings)
            opened.push_async_callback(app.state.store.close)
            services = Services(app.state.store, settings, ArqQueue(app.state.redis))
            app.state.services = services
            news = Announcements(app.state.redis, settings.database)
            await opened.enter_async_context(
                beside(services.feed.run(), news.hear(services.feed.wake.set))
            )
            yield

    async def context(connection: HTTPConnection, _: Mapping[str, object]) -> Context:
        services: Services = connection.app.state.services
        return Context(services, services.now(), connection.headers.get("last-event-id"))

    view = GraphQLView(schema, settings, context, settings.graphiql_bundle or BUNDLE)
    app = Starlette(
        routes=[
            *view.routes(),
            Route("/healthz", _lives),
            Route("/readyz", _is_ready),
            Route("/metrics", metrics),
        ],
        lifespan=lifespan,
        middleware=[Middleware(HostCheck, allowed=(host, *settings.allowed_hosts))],
    )
    app.state.end_streams = view.end
    return app


@asynccontextmanager
async def beside(*works: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Does these as long as the application runs; which ends where one of them breaks."""
    tasks = [asyncio.create_task(work) for work in works]
    for task in tasks:
        vital(task, "a part of the API has died")
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _lives(_: Request) -> Response:
    return PlainTextResponse("ok")


async def _is_ready(request: Request) -> Response:
    """200 when MongoDB and Redis answer, else 503 with what doesn't."""
    state = request.app.state
    failing = {}
    for name, ping in (("mongodb", state.store.ping), ("redis", state.redis.ping)):
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await ping()
        except Exception as error:  # noqa: BLE001 - whatever it is, the part does not answer
            failing[name] = str(error) or type(error).__name__
    return JSONResponse(failing or {"status": "ready"}, status_code=503 if failing else 200)
