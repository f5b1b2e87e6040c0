"""A TCP proxy that can abort, end or silence its connections."""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

_READ_BYTES = 65_536
_FINAL_HTTP_CHUNK = b"0\r\n\r\n"


class TcpProxy:
    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._connections: set[tuple[StreamWriter, StreamWriter]] = set()
        self._silenced_writers: set[StreamWriter] = set()
        self.address = ""
        self.is_idle = asyncio.Event()
        self.is_idle.set()

    @property
    def connection_count(self) -> int:
        """The number of open connections."""
        return len(self._connections)

    def abort_connections(self) -> None:
        """Aborts all connections at once."""
        for ends in self._connections:
            for end in ends:
                end.transport.abort()

    def end_responses(self) -> None:
        """Ends the responses in progress with a final chunk, as some proxies do."""
        for client, _ in self._connections:
            client.write(_FINAL_HTTP_CHUNK)
            client.close()

    def silence_connections(self) -> None:
        """Stops forwarding on the open connections, but does not close them."""
        self._silenced_writers.update(end for ends in self._connections for end in ends)

    async def accept(self, reader: StreamReader, writer: StreamWriter) -> None:
        try:
            server_reader, server_writer = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
            return
        connection = (writer, server_writer)
        self._connections.add(connection)
        self.is_idle.clear()
        try:
            async with asyncio.TaskGroup() as directions:
                directions.create_task(self._forward(reader, server_writer))
                directions.create_task(self._forward(server_reader, writer))
        finally:
            self._connections.discard(connection)
            if not self._connections:
                self.is_idle.set()

    async def _forward(self, reader: StreamReader, writer: StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(_READ_BYTES):
                if writer not in self._silenced_writers:
                    writer.write(data)
                    await writer.drain()
        writer.close()


@asynccontextmanager
async def running_proxy(address: str) -> AsyncIterator[TcpProxy]:
    host, port = address.split(":")
    proxy = TcpProxy(host, int(port))
    server = await asyncio.start_server(proxy.accept, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    proxy.address = f"{host}:{port}"
    try:
        yield proxy
    finally:
        server.close()
        proxy.abort_connections()
        await proxy.is_idle.wait()
