"""An import: the rows of a file, a batch at a time, through the same verbs as the API's."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing
from typing import IO, Any, Protocol, TypeVar

from app.domain.inputs import CustomerInput, EventInput, Input, OrderInput
from app.domain.metadata import Metadata
from app.services.imports import reading
from app.services.imports.batch import Batch
from app.services.imports.keys import Keys
from app.services.imports.rejects import Rejects
from app.services.imports.text import Text
from app.services.rows import BulkResult, Rows
from app.services.services import Services

MODELS: dict[str, type[Input]] = {
    "customers": CustomerInput,
    "events": EventInput,
    "orders": OrderInput,
}

Item = TypeVar("Item")


class Verbs(Protocol):
    """What customers, events and orders have in common."""

    async def take(self, rows: Rows[Any], now: Any) -> BulkResult: ...


class Import:
    """One file on its way in. What a batch brings is committed whole."""

    def __init__(self, services: Services, noun: str, rejects: Rejects) -> None:
        self._services = services
        self._noun = noun
        self._verbs: Verbs = getattr(services, noun)
        self._rejects = rejects
        self.accepted = 0
        self.refused = 0

    async def run(self, name: str, stream: IO[bytes], advance: Callable[[], None]) -> None:
        """Reads the stream to its end; `advance` is called after each batch."""
        defined = (await self._services.definitions.now()).metadata
        # Held to the end: with it goes the stream, and `advance` may ask how far that is.
        text = Text(stream)
        with closing(Keys()) as keys:
            async for batch in _ahead(self._batches(name, text, keys, defined)):
                await self._take(batch)
                advance()

    def _batches(self, name: str, text: Text, keys: Keys, defined: Metadata) -> Iterator[Batch]:
        model = MODELS[self._noun]
        # What is defined is the metadata of customers; that of orders is free.
        rows = reading.rows(name, text, model, defined if self._noun == "customers" else None)
        if self._noun == "events":
            rows = map(keys.keyed, rows)
        for part in reading.parts(rows, text):
            yield Batch.of(part, model)

    async def _take(self, batch: Batch) -> None:
        result = await self._verbs.take(batch.readable, self._services.now().at)
        refused = batch.refused(result)
        for row, problems in refused:
            self._rejects.add(row, problems)
        self.refused += len(refused)
        self.accepted += len(batch.rows) - len(refused)


async def _ahead(items: Iterator[Item]) -> AsyncIterator[Item]:
    """The next one is read while the last one is being written."""
    following = asyncio.create_task(asyncio.to_thread(next, items, None))
    while (item := await following) is not None:
        following = asyncio.create_task(asyncio.to_thread(next, items, None))
        yield item
