"""Imports one file in batches, through the same services as the API."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from typing import IO, TypeVar

from app.domain.metadata import MetadataSchema
from app.errors import Problem, UserErrorCode, input_error
from app.own_task import cancel_until_done
from app.services.bulk_rows import BulkResult
from app.services.imports.batch import Batch, split_into_batches
from app.services.imports.csv_file import CsvFile
from app.services.imports.email_references import has_email_reference, resolve_emails
from app.services.imports.fields import InputFields
from app.services.imports.idempotency_keys import IdempotencyKeys
from app.services.imports.ndjson_file import NdjsonFile
from app.services.imports.options import ImportOptions
from app.services.imports.reject_file import RejectFile
from app.services.imports.report import ImportReport
from app.services.imports.required_columns import MISSING_TIME
from app.services.imports.row import Row
from app.services.imports.seen_keys import SeenKeys
from app.services.imports.source import Source, translated_errors
from app.services.services import Services

Item = TypeVar("Item")

MAX_SECONDS_TO_FINISH_BATCH = 5.0


class FileImport:
    """The import of one file. Each batch is one transaction; `row_type` is a key of
    INPUT_MODELS."""

    def __init__(
        self,
        services: Services,
        row_type: str,
        reject_file: RejectFile,
        options: ImportOptions | None = None,
    ) -> None:
        self._services = services
        self._fields = InputFields(row_type)
        given_options = options or ImportOptions()
        self._csv_only_names = given_options.csv_only_names
        self._options = given_options.with_preset_defaults()
        self._reject_file = reject_file
        self.report = ImportReport()

    async def run(self, file_name: str, stream: IO[bytes], on_batch: Callable[[], None]) -> None:
        """Imports the whole stream and calls `on_batch` after each batch. Raises InputError if the
        file can't be read, with what to do; the batches before are committed."""
        metadata_schema = (await self._services.definitions.latest()).metadata_schema
        with ExitStack() as stack:
            stack.enter_context(translated_errors())
            file = await asyncio.to_thread(
                self._open, Source(file_name, stream), metadata_schema, stack
            )
            self._reject_file.set_form(file.reject_form)
            self.report.file_description = file.description
            self.report.detected_types = file.detected_types()
            self.report.columns = file.columns
            batches = self._batches(file, stack.enter_context(closing(_RowKeys())))
            async for batch in _prefetch(batches):
                await self._finish_batch(batch)
                self.report.columns = file.columns
                on_batch()
            if isinstance(file, NdjsonFile):
                self.report.passed_over_count = file.passed_over_count

    def _open(
        self, source: Source, metadata_schema: MetadataSchema, stack: ExitStack
    ) -> CsvFile | NdjsonFile:
        """Opens the file, and reads CSV once. Raises INVALID if it can't be imported."""
        source.require_readable()
        preset = self._options.preset
        if preset and source.is_csv == preset.is_ndjson:
            raise input_error(
                UserErrorCode.INVALID,
                f"The preset {preset.name} is for {'NDJSON' if preset.is_ndjson else 'CSV'}, which"
                " the file is not; export it in that format.",
            )
        if not source.is_csv:
            if self._csv_only_names:
                names = ", ".join(self._csv_only_names)
                raise input_error(
                    UserErrorCode.INVALID,
                    f"The file is NDJSON, to which {names} can't be applied:"
                    " its rows have the shape of the API's inputs. Leave the option away.",
                )
            return NdjsonFile(source, self._fields, self._options)
        # Definitions apply to the metadata of customers only, not to that of orders.
        schema = metadata_schema if self._fields.row_type == "customers" else None
        rewindable = stack.enter_context(source.rewindable())
        return CsvFile(rewindable, self._fields, self._options, schema)

    def _batches(self, file: CsvFile | NdjsonFile, keys: "_RowKeys") -> Iterator[Batch | list[Row]]:
        """Yields parsed batches; for rows that refer to customers by email, the rows alone."""
        rows = file.rows()
        if self._fields.row_type == "events":
            rows = map(keys.with_idempotency_key, map(self._require_time, rows))
        else:
            rows = map(keys.with_repetition, rows)
        for batch_rows in split_into_batches(rows, lambda: file.character_count):
            if any(map(has_email_reference, batch_rows)):
                yield batch_rows
            else:
                yield Batch.from_rows(batch_rows, self._fields.model)

    def _require_time(self, row: Row) -> Row:
        if row.problems or row.input_object.get("at") or self._options.is_missing_time_now:
            return row
        return row.refused(
            Problem(UserErrorCode.INVALID, f"at is missing: {MISSING_TIME}", ("at",))
        )

    async def _finish_batch(self, batch: Batch | list[Row]) -> None:
        """Writes a batch. If the import is cancelled, the batch ends before, so that the report
        says what is stored; a batch that takes too long is given up."""
        task = asyncio.create_task(self._write_batch(batch))
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            await asyncio.wait({task}, timeout=MAX_SECONDS_TO_FINISH_BATCH)
            await cancel_until_done({task})
            raise

    async def _write_batch(self, batch: Batch | list[Row]) -> None:
        if not isinstance(batch, Batch):
            rows = await resolve_emails(batch, self._services.customers.find_ids_by_email)
            batch = Batch.from_rows(rows, self._fields.model)
        for row, problems, change in batch.outcomes(await self._write_rows(batch)):
            if problems:
                self._reject_file.add(row, problems)
                self.report.add_rejected(row, problems)
            else:
                self.report.add_accepted(row, change)

    async def _write_rows(self, batch: Batch) -> BulkResult:
        now = self._services.now().at
        match self._fields.row_type:
            case "orders":
                needs_time = not self._options.is_missing_time_now
                return await self._services.orders.write_rows(
                    batch.parsed_rows, now, needs_time=needs_time
                )
            case "events":
                return await self._services.events.write_rows(batch.parsed_rows, now)
            case _:
                return await self._services.customers.write_rows(batch.parsed_rows, now)


class _RowKeys:
    """The keys of the rows of a file: generated for events, and seen for all others."""

    def __init__(self) -> None:
        self._idempotency_keys = IdempotencyKeys()
        self._seen_keys = SeenKeys()

    def close(self) -> None:
        self._idempotency_keys.close()
        self._seen_keys.close()

    def with_idempotency_key(self, row: Row) -> Row:
        if row.input_object.get("idempotencyKey") is not None:
            return self.with_repetition(row, "idempotencyKey")
        return self._idempotency_keys.with_key(row)

    def with_repetition(self, row: Row, key_name: str = "sourceId") -> Row:
        """Marks a row about a customer, order or event that an earlier row is about."""
        key = row.input_object.get(key_name)
        if row.problems or not isinstance(key, str) or self._seen_keys.add(key):
            return row
        return replace(row, is_repeated=True)


async def _prefetch(items: Iterator[Item]) -> AsyncIterator[Item]:
    """Yields the items, and computes the next one in a thread while the caller uses the last."""
    pending_item = asyncio.create_task(asyncio.to_thread(next, items, None))
    while (item := await pending_item) is not None:
        pending_item = asyncio.create_task(asyncio.to_thread(next, items, None))
        yield item
