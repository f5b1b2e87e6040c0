"""A line between clients and a server, which can be cut, or go dead without a word."""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

_CHUNK = 65_536
_LAST_CHUNK = b"0\r\n\r\n"


class Relay:
    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._lines: set[tuple[StreamWriter, StreamWriter]] = set()
        self._dead: set[StreamWriter] = set()
        self.address = ""
        self.idle = asyncio.Event()
        self.idle.set()

    @property
    def lines(self) -> int:
        """How many clients it connects with the server."""
        return len(self._lines)

    def cut(self) -> None:
        """All of them, at once, whatever is under way."""
        for ends in self._lines:
            for end in ends:
                end.transport.abort()

    def end(self) -> None:
        """The answers that are under way, in good form, as some proxies do."""
        for client, _ in self._lines:
            client.write(_LAST_CHUNK)
            client.close()

    def deaden(self) -> None:
        """Those that are there carry nothing any more, and nobody is told."""
        self._dead.update(end for ends in self._lines for end in ends)

    async def accept(self, reader: StreamReader, writer: StreamWriter) -> None:
        try:
            their_reader, their_writer = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
            return
        ends = (writer, their_writer)
        self._lines.add(ends)
        self.idle.clear()
        try:
            async with asyncio.TaskGroup() as ways:
                ways.create_task(self._carry(reader, their_writer))
                ways.create_task(self._carry(their_reader, writer))
        finally:
            self._lines.discard(ends)
            if not self._lines:
                self.idle.set()

    async def _carry(self, reader: StreamReader, writer: StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(_CHUNK):
                if writer not in self._dead:
                    writer.write(data)
                    await writer.drain()
        writer.close()


@asynccontextmanager
async def relayed(address: str) -> AsyncIterator[Relay]:
    host, port = address.split(":")
    relay = Relay(host, int(port))
    server = await asyncio.start_server(relay.accept, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    relay.address = f"{host}:{port}"
    try:
        yield relay
    finally:
        server.close()
        relay.cut()
        await relay.idle.wait()
