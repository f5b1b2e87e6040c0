"""Exports: start, list and cancel them."""

from collections.abc import Sequence

from app.domain.exports import Export, ExportFormat, ExportStatus, RowOptions
from app.domain.ids import EntityKind
from app.errors import UserErrorCode, input_error
from app.filters import Now
from app.filters.fields import Field
from app.services.attributes import Attributes
from app.services.definitions_reader import DefinitionsReader
from app.services.exports.columns import export_fields, parse_fields
from app.services.exports.definition import build_definition
from app.services.exports.export_worker import RUN_EXPORTS_JOB
from app.services.idempotency import WITHOUT_KEY, CreationRecorder
from app.services.job_queue import JobQueue
from app.store import Store, Transaction
from app.store.ids import new_id


class Exports:
    """The operations on exports."""

    def __init__(
        self,
        store: Store,
        definitions: DefinitionsReader,
        attributes: Attributes,
        queue: JobQueue,
    ) -> None:
        self._store = store
        self._definitions = definitions
        self._attributes = attributes
        self._queue = queue

    async def create(
        self,
        segment_id: str,
        fields: Sequence[str] | None,
        format_: ExportFormat,
        now: Now,
        recorder: CreationRecorder = WITHOUT_KEY,
        *,
        has_byte_order_mark: bool = False,
        escapes_formulas: bool = True,
    ) -> Export:
        """Starts an export of the members of a segment as of `now`, by the present definitions.

        Raises InputError if the segment or a field is unknown, or if a metadata key that the
        export reads is being converted.
        """
        definitions = await self._definitions.latest()
        segment = definitions.segments.get(segment_id)
        if segment is None:
            message = "There is no such segment."
            raise input_error(UserErrorCode.NOT_FOUND, message, "input", "segmentId")
        options = RowOptions(
            fields=parse_fields(fields, definitions, "input", "fields"),
            format=format_,
            has_byte_order_mark=has_byte_order_mark,
            escapes_formulas=escapes_formulas,
        )
        max_customer_id = await self._store.member_windows.max_customer_id()
        definition = build_definition(segment, options, definitions, now.at, max_customer_id)
        export = Export(
            id=new_id(EntityKind.EXPORT),
            segment_id=segment.id,
            segment_name=segment.name,
            fields=options.fields,
            format=format_,
            status=ExportStatus.SCHEDULED,
            rows_done=0,
            rows_total=None,
            created_at=now.at,
        )

        async def work(transaction: Transaction) -> None:
            await recorder.record(export.id, transaction)
            await self._store.exports.add(export, definition, transaction)

        await self._store.transaction(work)
        await self._queue.enqueue(RUN_EXPORTS_JOB)
        return export

    async def fields(self) -> list[Field]:
        """Returns what an export may have as columns."""
        attributes = await self._attributes.list_all()
        return export_fields(attribute.field for attribute in attributes)

    async def get(self, id_: str) -> Export | None:
        return await self._store.exports.get(id_)

    async def page(self, segment_id: str | None, after: str | None, limit: int) -> list[Export]:
        """Returns at most `limit` exports, newest first, after the id `after`."""
        return await self._store.exports.page(segment_id, after, limit)

    async def cancel(self, id_: str) -> Export:
        """Cancels an export and returns it; a canceled one is returned as it is. Raises NOT_FOUND,
        or INVALID if the export is DONE or FAILED."""
        if canceled := await self._store.exports.cancel(id_):
            return canceled
        export = await self._store.exports.get(id_)
        if export is None:
            raise input_error(UserErrorCode.NOT_FOUND, "There is no such export.", "id")
        if export.status is ExportStatus.CANCELED:
            return export
        message = f"The export is {export.status.value}; one that has ended can't be canceled."
        raise input_error(UserErrorCode.INVALID, message, "id")
