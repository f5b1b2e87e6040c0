"""Exports the members of a segment to a stream of this process, without a worker."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing

from app.domain.exports import ExportDefinition, ExportFormat, RowOptions
from app.domain.segments import Segment
from app.filters import Now
from app.services.definitions_reader import DefinitionsReader
from app.services.exports.columns import parse_fields
from app.services.exports.definition import (
    build_definition,
    parse_definition,
    require_unchanged_data,
)
from app.services.exports.export_run import format_rows
from app.services.exports.member_reader import MemberReader
from app.services.exports.read_ahead import read_ahead
from app.services.exports.row_format import RowFormat, row_format
from app.services.query_planner import QueryPlanner
from app.store import DatabaseError, Store
from app.store.member_windows import DocumentBatch

Write = Callable[[bytes], None]


class FileExport:
    """An export of one segment. `row_count` is the number of rows written so far."""

    def __init__(
        self, store: Store, definitions: DefinitionsReader, query_planner: QueryPlanner
    ) -> None:
        self._store = store
        self._definitions = definitions
        self._query_planner = query_planner
        self.row_count = 0

    async def define(
        self, segment: Segment, fields: Sequence[str] | None, format_: ExportFormat, now: Now
    ) -> ExportDefinition:
        """Returns what an export that begins now writes. Raises InputError if a field is unknown,
        or if a metadata key that the export reads is being converted."""
        definitions = await self._definitions.latest()
        options = RowOptions(fields=parse_fields(fields, definitions, "fields"), format=format_)
        max_customer_id = await self._store.member_windows.max_customer_id()
        return build_definition(segment, options, definitions, now.at, max_customer_id)

    async def run(self, definition: ExportDefinition, write: Write) -> None:
        """Writes the file. `write` runs in a thread, and gets whole rows.

        Raises ExportOutdated if the data that the export reads have been changed by a change of
        definitions, database errors that keep it from going on, and errors of `write`.
        """
        format_ = row_format(definition.row_options)
        await asyncio.to_thread(write, format_.header())
        if definition.max_customer_id is None:
            return
        tree, now = parse_definition(definition)
        reader = MemberReader(
            self._store, self._query_planner, tree, now, definition.max_customer_id
        )
        last_id: str | None = None
        while last_id != definition.max_customer_id:
            first_id = last_id
            try:
                async with aclosing(read_ahead(reader.read(last_id, format_.projection))) as source:
                    async for batch in source:
                        if batch.documents is not None:
                            written_id = await self._write_rows(batch.documents, format_, write)
                            last_id = written_id or last_id
                        if batch.through_id is not None:
                            # Later than the reads: it sees each change that these may have seen.
                            require_unchanged_data(definition, await self._definitions.latest())
                            last_id = batch.through_id
            except DatabaseError:
                # The snapshot becomes too old while the reader of a pipe pauses, or MongoDB elects
                # another primary: go on after the last row. Without progress it is no use.
                if last_id == first_id:
                    raise

    async def _write_rows(
        self, documents: DocumentBatch, format_: RowFormat, write: Write
    ) -> str | None:
        """Writes the rows of a batch; returns the id of its last customer, None if it is empty."""
        text, row_count, last_id = await asyncio.to_thread(format_rows, documents, format_)
        await asyncio.to_thread(write, text)
        self.row_count += row_count
        return last_id
