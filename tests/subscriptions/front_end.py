"""A front end in Node, with the clients that front ends have."""

import asyncio
import json
import shutil
from asyncio.subprocess import PIPE, Process
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

Json = dict[str, Any]

_LINE_BYTES = 1024 * 1024


class FrontEnd:
    """Gives orders; what is heard of each, by the order's id, is kept in `heard`."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._news = asyncio.Condition()
        self._is_over = False
        self.heard: dict[str, list[Json]] = defaultdict(list)

    async def ask(self, id_: str, query: str, **variables: Any) -> None:
        await self._order(order="ask", id=id_, query=query, variables=variables)

    async def follow(self, id_: str, segment: str, after: str | None = None) -> None:
        await self._order(order="follow", id=id_, segmentIds=[segment], after=after)

    async def stop(self, id_: str) -> None:
        await self._order(order="stop", id=id_)

    async def terminate(self) -> None:
        """Cuts its line from its own side, as soon as it has heard something more."""
        await self._order(order="terminate")

    async def stumble(self) -> None:
        """The next transition is too much for it."""
        await self._order(order="stumble")

    async def _order(self, **order: Any) -> None:
        assert self._process.stdin
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        await self._process.stdin.drain()

    async def hears(self, id_: str, number: int = 1, seconds: float = 20) -> list[Json]:
        """What has been heard of an order, once it is so much."""
        async with asyncio.timeout(seconds), self._news:
            await self._news.wait_for(lambda: len(self.heard[id_]) >= number or self._is_over)
        assert len(self.heard[id_]) >= number, "Node has ended"
        return self.heard[id_]

    def told(self, id_: str) -> list[Json]:
        """The transitions that it has been told of."""
        return [line["next"] for line in self.heard[id_] if "next" in line]

    async def listen(self) -> None:
        assert self._process.stdout
        async for line in self._process.stdout:
            heard = json.loads(line)
            async with self._news:
                self.heard[heard.pop("id")].append(heard)
                self._news.notify_all()
        async with self._news:
            self._is_over = True
            self._news.notify_all()


@asynccontextmanager
async def front_end(clients: Path, way: str, address: str) -> AsyncIterator[FrontEnd]:
    """One that asks in one of the ways of ways.mjs."""
    node = shutil.which("node")
    assert node
    process = await asyncio.create_subprocess_exec(
        node,
        clients / "front_end.mjs",
        way,
        address,
        stdin=PIPE,
        stdout=PIPE,
        limit=_LINE_BYTES,
    )
    front_end = FrontEnd(process)
    listening = asyncio.create_task(front_end.listen())
    try:
        yield front_end
    finally:
        assert process.stdin
        process.stdin.close()
        await process.wait()
        await listening
