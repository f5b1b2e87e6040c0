"""Exports in the API: start, follow and cancel them."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import datetime
from functools import partial
from typing import Annotated

import strawberry
from strawberry import UNSET

from app.domain.exports import Export as StoredExport
from app.domain.exports import ExportFormat, ExportStatus
from app.domain.ids import EntityKind
from app.errors import UserErrorCode, input_error
from app.filters.fields import FieldGroup
from app.schema.connections import Connection, Page, make_page
from app.schema.context import Info
from app.schema.enums import register_enum
from app.schema.errors import UserError, attempt
from app.schema.idempotency import IdempotencyKey, attempt_once
from app.schema.input_json import input_to_json
from app.schema.node import Node, to_node
from app.schema.paging import (
    DEFAULT_PAGE_SIZE,
    After,
    First,
    decode_id_cursor,
    encode_id_cursor,
    validate_page_size,
)
from app.schema.scalars import Long
from app.schema.segments import Segment

ExportId = Annotated[strawberry.ID, strawberry.argument(description="The id of the export.")]

register_enum(
    ExportStatus,
    "How far an export has come.",
    {
        "SCHEDULED": "No worker has begun.",
        "IN_PROGRESS": "A worker has begun to write the rows.",
        "DONE": "The file is complete.",
        "FAILED": "There is no file; `error` says why.",
        "CANCELED": "The export was canceled, and there is no file.",
    },
)
register_enum(
    ExportFormat,
    "The format of an export's file.",
    {
        "CSV": "Comma-separated values as in RFC 4180, with a header row.",
        "NDJSON": "One JSON object per line, in the shape that `segments import` takes.",
    },
)


@strawberry.type(
    description="The members of a segment as a file. Each is evaluated as of the creation of the"
    " export, by the filter that the segment had then. Customers created later are left out."
    " An export stays in the list for 30 days after its file has expired, or after it ended"
    " without one."
)
class Export(Node):
    segment_id: strawberry.ID = strawberry.field(
        description="The id of the segment, even if the segment has been deleted."
    )
    segment_name: str = strawberry.field(
        description="The name that the segment had when the export was created."
    )
    fields: list[str] = strawberry.field(description="The paths of the columns, in order.")
    format: ExportFormat = strawberry.field(description="The format of the file.")
    status: ExportStatus = strawberry.field(description="How far the export has come.")
    rows_done: Long = strawberry.field(description="The number of rows written.")
    rows_total: Long | None = strawberry.field(
        description="The number of members, counted at the beginning, or that of `lastSize` if a"
        " count takes long: they may change while the rows are written. Null if neither is known;"
        " exact when DONE."
    )
    expires_at: datetime | None = strawberry.field(
        description="When the file is deleted; null until DONE."
    )
    error: str | None = strawberry.field(description="Why a FAILED export failed.")
    created_at: datetime = strawberry.field(description="When the export was created.")
    finished_at: datetime | None = strawberry.field(
        description="When the export ended; null until then."
    )

    @strawberry.field(description="Null once the segment has been deleted.")
    async def segment(self, info: Info) -> Segment | None:
        stored_segment = await info.context.loaders.segments.load(self.segment_id)
        return Segment.from_domain(stored_segment) if stored_segment else None

    @strawberry.field(
        description="Where the CSV can be had with an ordinary GET; signed, and good until"
        " expiresAt; null until DONE. Also null once the file has expired. Anyone with the URL can"
        " download the file. It begins with the scheme and the host of this request."
    )
    def url(self, info: Info) -> str | None:
        context = info.context
        if self.expires_at is None or context.now.at >= self.expires_at:
            return None
        download_urls = context.services.download_urls
        return download_urls.url(self.id, self.expires_at, context.download_base())

    @classmethod
    def from_domain(cls, export: StoredExport) -> "Export":
        return cls(
            id=strawberry.ID(export.id),
            segment_id=strawberry.ID(export.segment_id),
            segment_name=export.segment_name,
            fields=list(export.fields),
            format=export.format,
            status=export.status,
            rows_done=Long(export.rows_done),
            rows_total=None if export.rows_total is None else Long(export.rows_total),
            expires_at=export.expires_at,
            error=export.error,
            created_at=export.created_at,
            finished_at=export.finished_at,
        )


to_node.register(StoredExport, Export.from_domain)


@strawberry.type(description="A page of exports.")
class ExportConnection(Connection[Export]):
    pass


@strawberry.input(description="What to export, and how.")
class SegmentExportInput:
    segment_id: strawberry.ID = strawberry.field(description="The segment.")
    fields: list[str] | None = strawberry.field(
        default=UNSET,
        description="Paths of standard fields and metadata, in the order of the columns; default:"
        " sourceId, name, email. `exportFields` lists them.",
    )
    format: ExportFormat | None = strawberry.field(
        default=ExportFormat.CSV, description="The format of the file."
    )
    bom: bool | None = strawberry.field(
        default=False,
        description="Whether a CSV file begins with a byte order mark. Excel needs it to read"
        " UTF-8.",
    )
    escape_formulas: bool | None = strawberry.field(
        default=True,
        description="Whether text in a CSV file that a spreadsheet would run as a formula gets an"
        " apostrophe in front: text that begins with = + - @, a tab or a carriage return.",
    )


@strawberry.type(description="The result of starting or canceling an export.")
class ExportPayload:
    export: Export | None = strawberry.field(description="The export; null if there are errors.")
    user_errors: list[UserError] = strawberry.field(
        description="Why nothing changed; empty on success."
    )

    @classmethod
    def from_attempt(cls, export: StoredExport | None, errors: list[UserError]) -> "ExportPayload":
        return cls(export=Export.from_domain(export) if export else None, user_errors=errors)


@strawberry.type(description="A path that an export may have as a column.")
class ExportField:
    path: str = strawberry.field(description="The path, as SegmentExportInput.fields takes it.")
    label: str = strawberry.field(description="The path in words.")
    group: FieldGroup = strawberry.field(description="The group in which an editor lists the path.")


@strawberry.type
class ExportQuery:
    @strawberry.field(description="The paths that an export may have as columns.")
    async def export_fields(self, info: Info) -> list[ExportField]:
        return [
            ExportField(path=field.path, label=field.label, group=field.group)
            for field in await info.context.services.exports.fields()
        ]

    @strawberry.field(description="The export with this id; null if there is none.")
    async def export(self, info: Info, id: ExportId) -> Export | None:
        stored_export = await info.context.services.exports.get(id)
        return Export.from_domain(stored_export) if stored_export else None

    @strawberry.field(graphql_type=ExportConnection, description="Newest first.")
    async def exports(
        self,
        info: Info,
        first: First = DEFAULT_PAGE_SIZE,
        after: After = None,
        segment_id: Annotated[
            strawberry.ID | None,
            strawberry.argument(
                description="Only exports of this segment, which may have been deleted."
            ),
        ] = None,
    ) -> Page[StoredExport]:
        first = validate_page_size(first)
        after_id = decode_id_cursor(after, EntityKind.EXPORT)
        exports = await info.context.services.exports.page(segment_id, after_id, first + 1)
        return make_page(exports, first, after, lambda export: encode_id_cursor(export.id))


@strawberry.type
class ExportMutation:
    @strawberry.mutation(
        description="Starts an export of the members of a segment. A worker writes the file."
    )
    async def segment_export(
        self,
        info: Info,
        input: Annotated[SegmentExportInput, strawberry.argument(description="What to export.")],
        idempotency_key: IdempotencyKey = None,
    ) -> ExportPayload:
        services = info.context.services
        fields = None if input.fields is UNSET else input.fields
        create = partial(
            services.exports.create,
            input.segment_id,
            fields,
            input.format or ExportFormat.CSV,
            info.context.now,
            has_byte_order_mark=bool(input.bom),
            escapes_formulas=input.escape_formulas is not False,
        )
        export, errors = await attempt_once(
            info, idempotency_key, input_to_json(input), create, services.exports.get
        )
        if export:
            info.context.add_hints(
                await services.filter_hints.find_in_columns(fields or (), "input", "fields")
            )
        return ExportPayload.from_attempt(export, errors)

    @strawberry.mutation(
        description="Cancels an export that has not ended. One that is canceled stays as it is;"
        " one that is DONE or FAILED is an error (INVALID)."
    )
    async def export_cancel(self, info: Info, id: ExportId) -> ExportPayload:
        return ExportPayload.from_attempt(*await attempt(info.context.services.exports.cancel(id)))


@strawberry.type
class ExportSubscription:
    @strawberry.subscription(
        description="An export, each time that it advances, until it has ended. It begins with the"
        " present state. An unknown id is an error (NOT_FOUND)."
    )
    async def export_progress(self, info: Info, id: ExportId) -> AsyncGenerator[Export]:
        services = info.context.services
        stored_export = await services.exports.get(id)
        if stored_export is None:
            raise input_error(UserErrorCode.NOT_FOUND, "There is no such export.", "id")
        async with aclosing(services.export_feed.follow(stored_export)) as exports:
            async for export in exports:
                yield Export.from_domain(export)
