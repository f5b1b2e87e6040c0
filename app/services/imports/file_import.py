"""An import: the rows of a file, a batch at a time, through the same verbs as the API's."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing
from typing import IO, Any, Protocol, TypeVar

from app.domain.inputs import CustomerInput, EventInput, Input, OrderInput
from app.domain.metadata import MetadataSchema
from app.services.bulk_rows import BulkResult, BulkRows
from app.services.imports import row_reader
from app.services.imports.batch import Batch
from app.services.imports.idempotency_keys import IdempotencyKeys
from app.services.imports.line_reader import LineReader
from app.services.imports.reject_file import RejectFile
from app.services.services import Services

INPUT_MODELS: dict[str, type[Input]] = {
    "customers": CustomerInput,
    "events": EventInput,
    "orders": OrderInput,
}

Item = TypeVar("Item")


class BulkWriter(Protocol):
    """What customers, events and orders have in common."""

    async def write_rows(self, rows: BulkRows[Any], now: Any) -> BulkResult: ...


class FileImport:
    """One file on its way in. What a batch brings is committed whole."""

    def __init__(self, services: Services, row_type: str, reject_file: RejectFile) -> None:
        self._services = services
        self._row_type = row_type
        self._writer: BulkWriter = getattr(services, row_type)
        self._reject_file = reject_file
        self.accepted_count = 0
        self.rejected_count = 0

    async def run(self, file_name: str, stream: IO[bytes], on_batch: Callable[[], None]) -> None:
        """Reads the stream to its end; `advance` is called after each batch."""
        metadata_schema = (await self._services.definitions.latest()).metadata_schema
        # Held to the end: with it goes the stream, and `advance` may ask how far that is.
        line_reader = LineReader(stream)
        with closing(IdempotencyKeys()) as keys:
            async for batch in _prefetch(
                self._batches(file_name, line_reader, keys, metadata_schema)
            ):
                await self._write_batch(batch)
                on_batch()

    def _batches(
        self,
        file_name: str,
        line_reader: LineReader,
        keys: IdempotencyKeys,
        metadata_schema: MetadataSchema,
    ) -> Iterator[Batch]:
        model = INPUT_MODELS[self._row_type]
        # What is defined is the metadata of customers; that of orders is free.
        rows = row_reader.read_rows(
            file_name,
            line_reader,
            model,
            metadata_schema if self._row_type == "customers" else None,
        )
        if self._row_type == "events":
            rows = map(keys.with_key, rows)
        for batch_rows in row_reader.split_into_batches(rows, line_reader):
            yield Batch.from_rows(batch_rows, model)

    async def _write_batch(self, batch: Batch) -> None:
        result = await self._writer.write_rows(batch.parsed_rows, self._services.now().at)
        rejected = batch.rejected_rows(result)
        for row, problems in rejected:
            self._reject_file.add(row, problems)
        self.rejected_count += len(rejected)
        self.accepted_count += len(batch.rows) - len(rejected)


async def _prefetch(items: Iterator[Item]) -> AsyncIterator[Item]:
    """The next one is read while the last one is being written."""
    pending_item = asyncio.create_task(asyncio.to_thread(next, items, None))
    while (item := await pending_item) is not None:
        pending_item = asyncio.create_task(asyncio.to_thread(next, items, None))
        yield item
