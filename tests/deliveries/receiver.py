"""A real HTTP server that receives webhooks, and misbehaves on demand."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True)
class ReceivedRequest:
    """A request as it arrived."""

    path: str
    headers: dict[str, str]
    body: bytes
    received_at: datetime

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def answer_status(status: int, body: str = "ok", **headers: str) -> Answer:
    """Answers with the status at once."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        lines = [f"HTTP/1.1 {status} Status", f"Content-Length: {len(body.encode())}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        writer.write("\r\n".join([*lines, "", body]).encode())
        await writer.drain()

    return answer


def answer_slowly(seconds: float) -> Answer:
    async def answer(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(seconds)
        await answer_status(200)(writer)

    return answer


def answer_endlessly(status: int) -> Answer:
    """Answers with the status and a body without an end."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 {status} Status\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
        with suppress(ConnectionError):
            while True:
                writer.write(b"400\r\n" + b"x" * 1024 + b"\r\n")
                await writer.drain()

    return answer


async def answer_by_closing(writer: asyncio.StreamWriter) -> None:
    writer.close()


async def answer_never(writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(3600)


@dataclass
class Receiver:
    """Records all requests; `answer` decides how to answer, or `answers` by path."""

    port: int = 0
    answer: Answer = field(default_factory=lambda: answer_status(200))
    answers: dict[str, Answer] = field(default_factory=dict)
    requests: list[ReceivedRequest] = field(default_factory=list)

    def url(self, path: str = "/hook", host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    @property
    def bodies(self) -> list[Any]:
        return [request.json for request in self.requests]

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                while True:
                    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                    request_line, *header_lines = head.strip().split("\r\n")
                    headers = {
                        name.lower(): value
                        for name, value in (line.split(": ", 1) for line in header_lines)
                    }
                    body = await reader.readexactly(int(headers.get("content-length", 0)))
                    path = request_line.split(" ")[1]
                    self.requests.append(ReceivedRequest(path, headers, body, datetime.now(UTC)))
                    await self.answers.get(path, self.answer)(writer)
                    if writer.is_closing():
                        return
        finally:
            writer.close()


@asynccontextmanager
async def running_receiver() -> AsyncIterator[Receiver]:
    """Runs a receiver on a free port of 127.0.0.1."""
    receiver, connections = Receiver(), set[asyncio.Task[None]]()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        connections.add(task)
        with suppress(asyncio.CancelledError):
            await receiver.handle(reader, writer)
        connections.discard(task)

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
        for task in [*connections]:
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
        await server.wait_closed()
