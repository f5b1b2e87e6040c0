"""Exports: the members of a segment as a file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from app.filters.catalog import MetadataType

DEFAULT_FIELDS = ("sourceId", "name", "email")


class ExportStatus(Enum):
    """SCHEDULED: no worker has begun. IN_PROGRESS: rows are being written. DONE: the file is
    complete. FAILED and CANCELED: there is no file."""

    SCHEDULED = "SCHEDULED"
    IN_PROGRESS = "IN_PROGRESS"
    DONE = "DONE"
    FAILED = "FAILED"
    CANCELED = "CANCELED"

    @property
    def has_ended(self) -> bool:
        """Whether the status is final."""
        return self not in (ExportStatus.SCHEDULED, ExportStatus.IN_PROGRESS)


class ExportFormat(Enum):
    """CSV: RFC 4180 with a header row. NDJSON: one JSON object per line."""

    CSV = "CSV"
    NDJSON = "NDJSON"


@dataclass(frozen=True, slots=True)
class RowOptions:
    """How customers become rows of the file.

    `fields` are the paths of the columns, in order. `metadata_types` are the definitions of
    metadata keys that were READY when the export was created. `has_byte_order_mark` and
    `escapes_formulas` apply to CSV only.
    """

    fields: tuple[str, ...] = DEFAULT_FIELDS
    format: ExportFormat = ExportFormat.CSV
    has_byte_order_mark: bool = False
    escapes_formulas: bool = True
    metadata_types: Mapping[str, MetadataType] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Export:
    """An export as a client sees it.

    `rows_total` is None until the rows are counted. `length_bytes` is the length of the file; None
    until the export is DONE. `expires_at` is when the file is deleted; None until DONE. `error`
    says why a FAILED export failed.
    """

    id: str
    segment_id: str
    segment_name: str
    fields: tuple[str, ...]
    format: ExportFormat
    status: ExportStatus
    rows_done: int
    rows_total: int | None
    created_at: datetime
    finished_at: datetime | None = None
    expires_at: datetime | None = None
    error: str | None = None
    length_bytes: int | None = None
