"""`segments api`: serves the API with uvicorn."""

import asyncio
import gc
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
import uvloop
from starlette.applications import Starlette

from app import logging_config, open_files
from app.commands import connections
from app.http_protocol import BoundedHttpProtocol
from app.local import addresses
from app.websocket_protocol import StrictWebSocketProtocol

_MIB = 1024 * 1024
_SHUTDOWN_TIMEOUT_SECONDS = 3
# A thread that computes lets the event loop run after this time. Python's default of 5 ms delays a
# request, which takes several turns, by five times as much.
_SWITCH_INTERVAL_SECONDS = 0.001


class _ServerWithoutSignals(uvicorn.Server):
    """Leaves signals to `_serve`: uvicorn would raise them again after its shutdown."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def run(host: str, port: int) -> None:
    settings = connections.require_settings()
    addresses.require_protection(host, settings.auth)
    open_files.raise_soft_limit()
    listener = addresses.listen(host, port)
    from app.main import create_app

    logging_config.configure_logging(settings.log_format)
    sys.setswitchinterval(_SWITCH_INTERVAL_SECONDS)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(create_app(settings, host), listener))


async def _serve(app: Starlette, listener: socket.socket) -> None:
    config = uvicorn.Config(
        app,
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
        timeout_graceful_shutdown=_SHUTDOWN_TIMEOUT_SECONDS,
    )
    server = _ServerWithoutSignals(config)
    # Not in uvicorn, which would print a traceback if the app fails to start.
    async with app.router.lifespan_context(app):
        # All objects so far live as long as the process: exclude them from garbage collection.
        gc.freeze()

        def stop(signal_number: int) -> None:
            app.state.close_streams()
            server.handle_exit(signal_number, None)

        for signal_number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(signal_number, stop, signal_number)
        await server.serve(sockets=[listener])
