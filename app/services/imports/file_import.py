"""Imports one file in batches, through the same services as the API."""

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
    """Writes parsed rows: the services for customers, events and orders."""

    async def write_rows(self, rows: BulkRows[Any], now: Any) -> BulkResult: ...


class FileImport:
    """The import of one file. Each batch is one transaction; `row_type` is a key of
    INPUT_MODELS."""

    def __init__(self, services: Services, row_type: str, reject_file: RejectFile) -> None:
        self._services = services
        self._row_type = row_type
        self._writer: BulkWriter = getattr(services, row_type)
        self._reject_file = reject_file
        self.accepted_count = 0
        self.rejected_count = 0

    async def run(self, file_name: str, stream: IO[bytes], on_batch: Callable[[], None]) -> None:
        """Imports the whole stream and calls `on_batch` after each batch. Raises InputError if the
        file can't be read further; the batches before are committed."""
        metadata_schema = (await self._services.definitions.latest()).metadata_schema
        # The reader must outlive the loop: it closes the stream when it is collected, and
        # `on_batch` may ask the stream for its position.
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
        # Definitions apply to the metadata of customers only, not to that of orders.
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
    """Yields the items, and computes the next one in a thread while the caller uses the last."""
    pending_item = asyncio.create_task(asyncio.to_thread(next, items, None))
    while (item := await pending_item) is not None:
        pending_item = asyncio.create_task(asyncio.to_thread(next, items, None))
        yield item
