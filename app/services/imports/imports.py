"""An import: the rows of a file, a batch at a time, through the same verbs as the API's."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import IO, TypeVar

from app.domain.inputs import CustomerInput, EventInput, Input, OrderInput
from app.errors import Problem
from app.services.imports import reading
from app.services.imports.keys import Keys
from app.services.imports.rejects import Rejects
from app.services.imports.row import Row
from app.services.imports.text import Text
from app.services.rows import BulkResult, Wire
from app.services.services import Services

NOUNS: Mapping[str, type[Input]] = {
    "customers": CustomerInput,
    "events": EventInput,
    "orders": OrderInput,
}

Item = TypeVar("Item")


@dataclass
class Tally:
    """How far it has come."""

    accepted: int = 0
    refused: int = 0

    @property
    def read(self) -> int:
        return self.accepted + self.refused


class Import:
    """One file on its way in. What one batch brings is committed whole."""

    def __init__(self, services: Services, noun: str, rejects: Rejects) -> None:
        self._services = services
        self._noun = noun
        self._rejects = rejects
        self.tally = Tally()

    async def run(self, name: str, stream: IO[bytes], progress: Callable[[], None]) -> None:
        """Reads the stream to its end; `progress` hears of each batch."""
        metadata = (await self._services.definitions.now()).metadata
        with closing(Keys()) as keys:
            text = Text(stream)
            of_customers = metadata if self._noun == "customers" else None
            rows = reading.rows(name, text, NOUNS[self._noun], of_customers)
            async for batch in _ahead(reading.batches(rows, text)):
                await self._take(batch, keys)
                progress()

    async def _take(self, batch: Sequence[Row], keys: Keys) -> None:
        good = [row for row in batch if row.problem is None]
        problems: dict[int, list[Problem]] = defaultdict(list)
        for row in batch:
            if row.problem is not None:
                problems[row.line].append(row.problem)
        wires: list[Wire] = [row.wire for row in good]
        if self._noun == "events":
            wires = [keys.keyed(wire) for wire in wires]
        for problem in (await self._send(wires)).problems:
            # The path begins with `inputs` and the row's index.
            _, index, *path = problem.path
            line = good[int(index)].line
            problems[line].append(Problem(problem.code, problem.message, tuple(path)))
        for row in batch:
            if row.line in problems:
                self._rejects.add(row, problems[row.line])
        self.tally.refused += len(problems)
        self.tally.accepted += len(batch) - len(problems)

    async def _send(self, wires: Sequence[Wire]) -> BulkResult:
        now = self._services.now().at
        match self._noun:
            case "customers":
                return await self._services.customers.upsert_many(wires, now)
            case "events":
                return await self._services.events.track(wires, now)
            case _:
                return await self._services.orders.upsert(wires, now)


async def _ahead(items: Iterator[Item]) -> AsyncIterator[Item]:
    """The next one is read while the last one is being written."""
    following = asyncio.create_task(asyncio.to_thread(next, items, None))
    while (item := await following) is not None:
        following = asyncio.create_task(asyncio.to_thread(next, items, None))
        yield item
