"""Runs a front end in Node.js with one of the GraphQL clients of tests/clients/transports.mjs."""

import asyncio
import json
import shutil
from asyncio.subprocess import PIPE, Process
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.patience import PATIENCE_SECONDS

Json = dict[str, Any]

_LINE_BYTES = 1024 * 1024


class FrontEndClient:
    """Sends commands to the front end; `messages` holds what it received, by operation id."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._message_received = asyncio.Condition()
        self._has_exited = False
        self.messages: dict[str, list[Json]] = defaultdict(list)

    async def subscribe(self, id_: str, query: str, **variables: Any) -> None:
        await self.send_command(order="ask", id=id_, query=query, variables=variables)

    async def follow_segment(self, id_: str, segment: str, after: str | None = None) -> None:
        await self.send_command(order="follow", id=id_, segmentIds=[segment], after=after)

    async def stop_operation(self, id_: str) -> None:
        await self.send_command(order="stop", id=id_)

    async def drop_connection(self) -> None:
        """Makes the client close its connection when it receives the next message."""
        await self.send_command(order="terminate")

    async def fail_next_transition(self) -> None:
        """Makes the callback of the next transition throw."""
        await self.send_command(order="stumble")

    async def send_command(self, **command: Any) -> None:
        assert self._process.stdin
        self._process.stdin.write(json.dumps(command).encode() + b"\n")
        await self._process.stdin.drain()

    async def wait_for_messages(self, id_: str, message_count: int = 1) -> list[Json]:
        """Returns the messages of an operation once there are at least `message_count`."""
        messages = self.messages[id_]
        async with self._message_received:
            while len(messages) < message_count:
                assert not self._has_exited, "Node.js has exited"
                try:
                    async with asyncio.timeout(PATIENCE_SECONDS):
                        await self._message_received.wait()
                except TimeoutError:
                    counts = f"{len(messages)} of {message_count} messages"
                    pytest.fail(f"{counts}, and none in the last {PATIENCE_SECONDS:g} s")
        return messages

    def list_results(self, id_: str) -> list[Json]:
        """Returns the responses to an operation."""
        return [line["next"] for line in self.messages[id_] if "next" in line]

    async def read_messages(self) -> None:
        assert self._process.stdout
        async for line in self._process.stdout:
            message = json.loads(line)
            async with self._message_received:
                self.messages[message.pop("id")].append(message)
                self._message_received.notify_all()
        async with self._message_received:
            self._has_exited = True
            self._message_received.notify_all()


@asynccontextmanager
async def running_front_end(
    clients: Path, transport: str, address: str
) -> AsyncIterator[FrontEndClient]:
    """Starts a front end that uses one of the transports of transports.mjs."""
    node = shutil.which("node")
    assert node
    process = await asyncio.create_subprocess_exec(
        node,
        clients / "front_end.mjs",
        transport,
        address,
        stdin=PIPE,
        stdout=PIPE,
        limit=_LINE_BYTES,
    )
    front_end = FrontEndClient(process)
    reader_task = asyncio.create_task(front_end.read_messages())
    try:
        yield front_end
    finally:
        assert process.stdin
        process.stdin.close()
        await process.wait()
        await reader_task
