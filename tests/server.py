"""Serves an ASGI application over HTTP in this process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from socket import socket

import uvicorn
from starlette.types import ASGIApp

from app.http_protocol import BoundedHttpProtocol


@asynccontextmanager
async def running_server(app: ASGIApp) -> AsyncIterator[str]:
    """Starts the server; yields its address as host:port. Does not run the application's
    lifespan."""
    server = SignalingServer(
        uvicorn.Config(
            app,
            http=BoundedHttpProtocol,
            port=0,
            log_level="critical",
            lifespan="off",
            ws="websockets-sansio",
            ws_per_message_deflate=False,
            timeout_graceful_shutdown=1,
        )
    )
    task = asyncio.create_task(server.serve())
    await server.is_listening.wait()
    host, port = server.servers[0].sockets[0].getsockname()
    try:
        yield f"{host}:{port}"
    finally:
        server.should_exit = True
        await task


class SignalingServer(uvicorn.Server):
    """Sets `is_listening` once the server accepts connections."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.is_listening = asyncio.Event()

    async def startup(self, sockets: list[socket] | None = None) -> None:
        await super().startup(sockets)
        self.is_listening.set()
