"""Writes a part of an export: from its checkpoint on, for a few seconds."""

import asyncio
from contextlib import aclosing
from time import monotonic

import structlog

from app.domain.export_file_names import export_file_name
from app.domain.exports import ClaimedExport, ExportCheckpoint
from app.errors import LeaseLost
from app.filters import Filter, Now
from app.services.definitions_reader import DefinitionsReader
from app.services.exports.definition import parse_definition, require_unchanged_data
from app.services.exports.export_settings import ExportSettings
from app.services.exports.member_reader import MemberReader
from app.services.exports.row_format import RowFormat, row_format
from app.services.query_planner import QueryPlanner
from app.store import DatabaseError, Store, Transaction, message_of
from app.store.ids import to_customer_id
from app.store.member_windows import DocumentBatch

log = structlog.get_logger()

# A checkpoint is due when one of these is reached. Two buffers may be in memory: one is written
# while the other grows.
_MAX_BUFFERED_BYTES = 4 * 1024 * 1024
_MAX_ROWS_PER_CHECKPOINT = 10_000
_MAX_CHECKPOINT_SECONDS = 1.0
_MAX_COUNT_SECONDS = 0.25


class ExportRun:
    """One worker's run over an export that it holds. Each checkpoint is one transaction, so that
    the file and the progress agree, whenever the worker is killed."""

    def __init__(
        self,
        store: Store,
        definitions: DefinitionsReader,
        query_planner: QueryPlanner,
        settings: ExportSettings,
        claimed: ClaimedExport,
        owner: str,
        session: Transaction,
    ) -> None:
        self._store = store
        self._definitions = definitions
        self._query_planner = query_planner
        self._settings = settings
        self._export = claimed.export
        self._definition = claimed.definition
        # The last checkpoint, or the one that is being saved.
        self._saved = claimed.checkpoint
        self._owner = owner
        self._session = session
        self._format = row_format(claimed.definition.row_options)
        self._buffer = _Buffer(claimed.checkpoint.last_customer_id)
        self._checkpoint_task: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Writes rows until all are written, or for `max_run_seconds` from the first batch on.

        Raises ExportOutdated if the data that the export reads have been changed by a change of
        definitions, and LeaseLost if this worker no longer holds the export.
        """
        if not self._saved.length_bytes:
            self._buffer.add_text(self._format.header())
        max_id = self._definition.max_customer_id
        try:
            is_last = max_id is None or await self._read_members(max_id)
            await self._begin_checkpoint(is_last=is_last)
            await self._finish_checkpoint()
        finally:
            if self._checkpoint_task:
                await asyncio.wait({self._checkpoint_task})
                if not self._checkpoint_task.cancelled():
                    # Marks the exception as retrieved; asyncio would log it.
                    self._checkpoint_task.exception()

    async def _read_members(self, max_id: str) -> bool:
        """Writes members until the time is up. Returns whether it has written all."""
        tree, now = parse_definition(self._definition)
        if not self._saved.length_bytes:
            await self._save_rows_total(tree, now)
        reader = MemberReader(self._store, self._query_planner, tree, now, max_id)
        source = reader.read(self._saved.last_customer_id, self._format.projection)
        deadline: float | None = None
        # The worker does not read ahead, so that an export takes one core, not two, from the API.
        async with aclosing(source) as batches:
            async for batch in batches:
                if batch.documents is not None:
                    await self._add_rows(batch.documents)
                if batch.through_id is not None:
                    self._buffer.last_customer_id = batch.through_id
                if self._buffer.is_due():
                    await self._begin_checkpoint()
                # From the first batch on: a run makes progress, however long that takes.
                deadline = deadline or monotonic() + self._settings.max_run_seconds
                if monotonic() > deadline and self._buffer.last_customer_id != max_id:
                    return False
        return True

    async def _save_rows_total(self, tree: Filter, now: Now) -> None:
        """Saves the number of members, or that of the last sample if a count takes long: to count
        them beside the rows would take a second core from the API."""
        try:
            rows_total = await self._query_planner.plan(tree, now).count_within(_MAX_COUNT_SECONDS)
            if rows_total is None:
                rows_total = await self._sampled_size()
            if rows_total is not None:
                await self._store.exports.save_rows_total(self._export.id, self._owner, rows_total)
        except DatabaseError as error:
            log.warning("the rows of an export are not counted", error=message_of(error))

    async def _sampled_size(self) -> int | None:
        """Returns the last sampled size of the segment, if it has not been edited since."""
        id_ = self._export.segment_id
        segment = await self._store.segments.get(id_)
        size = (await self._store.segment_sizes.last([id_])).get(id_)
        if segment is None or size is None or size.at < segment.updated_at:
            return None
        return size.member_count

    async def _add_rows(self, documents: DocumentBatch) -> None:
        text, row_count, last_id = await asyncio.to_thread(format_rows, documents, self._format)
        if last_id is not None:
            self._buffer.add_text(text)
            self._buffer.row_count += row_count
            self._buffer.last_customer_id = last_id

    async def _begin_checkpoint(self, *, is_last: bool = False) -> None:
        """Writes the buffer while the next rows are read, after the checkpoint before it."""
        await self._finish_checkpoint()
        text = self._buffer.take_text()
        previous = self._saved
        self._saved = ExportCheckpoint(
            last_customer_id=self._buffer.last_customer_id,
            rows_done=previous.rows_done + self._buffer.take_row_count(),
            length_bytes=previous.length_bytes + len(text),
        )
        self._checkpoint_task = asyncio.create_task(
            self._save_checkpoint(self._saved, previous.length_bytes, text, is_last)
        )

    async def _finish_checkpoint(self) -> None:
        if self._checkpoint_task:
            await self._checkpoint_task
            self._checkpoint_task = None

    async def _save_checkpoint(
        self, checkpoint: ExportCheckpoint, offset: int, text: bytes, is_last: bool
    ) -> None:
        exports, files, export = self._store.exports, self._store.export_files, self._export

        async def work(transaction: Transaction) -> None:
            # Later than the reads: it sees each change of definitions that these may have seen.
            definitions = await self._definitions.in_snapshot(transaction)
            require_unchanged_data(self._definition, definitions)
            if not await exports.save_checkpoint(export.id, self._owner, checkpoint, transaction):
                raise LeaseLost(f"This worker no longer holds the export {export.id}.")
            if text:
                await files.append(export.id, offset, text, transaction)
            if is_last:
                name = export_file_name(export.segment_name, export.created_at, export.format)
                await files.finish(export.id, checkpoint.length_bytes, name, transaction)
                await exports.finish(export.id, self._settings.retention, transaction)

        await self._store.transaction(work, self._session)


class _Buffer:
    """Rows that are not written yet, and the last customer read."""

    def __init__(self, last_customer_id: str | None) -> None:
        self.last_customer_id = last_customer_id
        self.row_count = 0
        self._texts: list[bytes] = []
        self._byte_count = 0
        self._started_at = monotonic()

    def add_text(self, text: bytes) -> None:
        self._texts.append(text)
        self._byte_count += len(text)

    def is_due(self) -> bool:
        """Whether it is time to write them."""
        return (
            self._byte_count >= _MAX_BUFFERED_BYTES
            or self.row_count >= _MAX_ROWS_PER_CHECKPOINT
            or monotonic() - self._started_at >= _MAX_CHECKPOINT_SECONDS
        )

    def take_row_count(self) -> int:
        """Returns the number of rows and resets it."""
        row_count, self.row_count = self.row_count, 0
        return row_count

    def take_text(self) -> bytes:
        """Returns the text and empties the buffer."""
        text = b"".join(self._texts)
        self._texts.clear()
        self._byte_count = 0
        self._started_at = monotonic()
        return text


def format_rows(documents: DocumentBatch, format_: RowFormat) -> tuple[bytes, int, str | None]:
    """Returns the rows, their number, and the id of the last customer; None if the batch is empty.
    Call it in a thread."""
    customers = documents.decode()
    if not customers:
        return b"", 0, None
    return format_.rows(customers), len(customers), to_customer_id(customers[-1])
