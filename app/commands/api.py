"""`segments api`: serves the API with uvicorn."""

import asyncio
import gc
import signal
import socket
import sys

import uvicorn
import uvloop
from starlette.applications import Starlette

from app import logging_config, open_files, tracing
from app.commands import connections
from app.graceful_server import GracefulServer
from app.http_protocol import BoundedHttpProtocol
from app.local import addresses
from app.settings import Settings
from app.websocket_protocol import StrictWebSocketProtocol

_MIB = 1024 * 1024
# A thread that computes lets the event loop run after this time. Python's default of 5 ms delays a
# request, which takes several turns, by five times as much.
_SWITCH_INTERVAL_SECONDS = 0.001


def run(host: str, port: int) -> None:
    settings = connections.require_settings()
    addresses.require_protection(host, settings.auth)
    open_files.raise_soft_limit()
    listener = addresses.listen(host, port)
    from app.main import create_app

    logging_config.configure_logging(settings.log_format)
    sys.setswitchinterval(_SWITCH_INTERVAL_SECONDS)
    with (
        tracing.tracing(),
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        runner.run(_serve(create_app(settings, host), listener, settings))


def create_server_config(app: Starlette, settings: Settings) -> uvicorn.Config:
    """Returns how uvicorn serves the application. It believes the headers X-Forwarded-Proto and
    X-Forwarded-For of the proxies that the settings name."""
    trusts_everyone = "*" in settings.forwarded_allow_ips
    return uvicorn.Config(
        app,
        forwarded_allow_ips="*" if trusts_everyone else list(settings.forwarded_allow_ips),
        http=BoundedHttpProtocol,
        ws=StrictWebSocketProtocol,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        ws_max_size=_MIB,
        # The GraphQL socket sends its own pings, and its messages are too short to compress.
        ws_ping_interval=None,
        ws_per_message_deflate=False,
    )


async def _serve(app: Starlette, listener: socket.socket, settings: Settings) -> None:
    config = create_server_config(app, settings)
    server = GracefulServer(config, settings.stop_seconds, app.state.stop_streams)
    # Not in uvicorn, which would print a traceback if the app fails to start.
    async with app.router.lifespan_context(app):
        # All objects so far live as long as the process: exclude them from garbage collection.
        gc.freeze()
        for signal_number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(
                signal_number, server.handle_exit, signal_number, None
            )
        await server.serve(sockets=[listener])
