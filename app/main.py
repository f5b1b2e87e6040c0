"""The ASGI application: GraphQL, the dashboard, downloads of exports, health checks and metrics."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import structlog
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from app import export_download
from app.api_session import StreamCounter, open_session
from app.clock_watch import watch_clock
from app.critical_task import critical_task
from app.cross_origin import CrossOriginMiddleware
from app.dashboard import build as dashboard_build
from app.dashboard import page as dashboard_page
from app.errors import SetupError
from app.graphiql.build import BUNDLE_FOLDER
from app.host_check import HostCheckMiddleware
from app.job_queue import ArqQueue, connect
from app.log_notifications import LogNotifications
from app.loop_watchdog import watch_event_loop
from app.metrics import metrics
from app.own_task import cancel_until_done
from app.persisted_documents import PersistedDocuments
from app.rate_limits import RateLimiter
from app.redis_breaker import RedisBreaker
from app.request_id import RequestIdMiddleware
from app.schema import schema
from app.schema.http import GraphQLView
from app.services import Services
from app.settings import Settings
from app.store import Store
from app.tracing import TraceContextMiddleware

log = structlog.get_logger()

_PING_TIMEOUT_SECONDS = 2


def create_app(settings: Settings, host: str = "127.0.0.1") -> Starlette:
    """Creates the API over the MongoDB and Redis of the settings, which it opens at startup.

    Requests may name a loopback host, `host` (the address to listen on) and the allowed hosts of
    the settings. They need a key unless the settings turn keys off. Raises SetupError at startup if
    REDIS_URL is missing.
    """

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        if settings.redis_url is None:
            raise SetupError(
                "REDIS_URL is not set; set it, or use `segments up`, which runs its own Valkey"
            )
        async with AsyncExitStack() as exit_stack:
            app.state.redis = connect(settings.redis_url.get_secret_value())
            exit_stack.push_async_callback(app.state.redis.aclose)
            app.state.store = await Store.open(settings)
            exit_stack.push_async_callback(app.state.store.close)
            services = Services(app.state.store, settings, ArqQueue(app.state.redis))
            app.state.services = services
            breaker = RedisBreaker()
            app.state.persisted_documents = PersistedDocuments(
                app.state.redis, breaker, settings.database
            )
            app.state.rate_limiter = RateLimiter(
                app.state.redis,
                breaker,
                settings.database,
                settings.points_per_second,
                settings.max_operation_cost,
            )
            app.state.stream_counter = StreamCounter(settings.max_streams_per_key)
            notifications = LogNotifications(app.state.redis, settings.database)
            await exit_stack.enter_async_context(
                run_in_background(
                    services.transition_feed.run(),
                    services.export_feed.run(),
                    notifications.subscribe(services.transition_feed.wake_event.set),
                    services.authenticator.run(),
                    watch_event_loop(),
                    watch_clock(),
                )
            )
            yield

    view = GraphQLView(schema, settings, open_session, settings.graphiql_bundle or BUNDLE_FOLDER)
    app = Starlette(
        routes=[
            *view.routes(),
            export_download.route,
            *dashboard_page.routes(settings.dashboard_bundle or dashboard_build.BUNDLE_FOLDER),
            Route("/healthz", _healthz),
            Route("/readyz", _readyz),
            Route("/metrics", metrics),
        ],
        lifespan=lifespan,
        middleware=[
            Middleware(RequestIdMiddleware),
            Middleware(TraceContextMiddleware),
            Middleware(HostCheckMiddleware, allowed_hosts=(host, *settings.allowed_hosts)),
            Middleware(CrossOriginMiddleware, allowed_origins=settings.allowed_origins),
        ],
    )
    app.state.stop_streams = view.stop
    return app


@asynccontextmanager
async def run_in_background(*coroutines: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Runs the coroutines until the context exits; the process ends if one of them fails."""
    tasks = [asyncio.create_task(coroutine) for coroutine in coroutines]
    for task in tasks:
        critical_task(task, "a critical API task has failed; stopping the process")
    try:
        yield
    finally:
        await cancel_until_done(tasks)


async def _healthz(_: Request) -> Response:
    return PlainTextResponse("ok")


async def _readyz(request: Request) -> Response:
    """Responds with 200 if MongoDB and Redis answer a ping, else with 503 and the name of those
    that do not. Their errors, which contain addresses, are logged: this needs no key."""
    state = request.app.state
    failures = {}
    for name, ping in (("mongodb", state.store.ping), ("redis", state.redis.ping)):
        try:
            async with asyncio.timeout(_PING_TIMEOUT_SECONDS):
                await ping()
        except Exception as error:  # noqa: BLE001 - any failure means not ready
            log.warning("a database does not answer a ping", database=name, error=repr(error))
            failures[name] = "does not answer"
    return JSONResponse(failures or {"status": "ready"}, status_code=503 if failures else 200)
