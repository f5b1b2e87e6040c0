"""Exports: the members of a segment as a file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from app.domain.active_filters import ReferencedSegment
from app.filters.catalog import MetadataType

DEFAULT_FIELDS = ("sourceId", "name", "email")
# An export stays in the list this long after its file has expired, or after it ended without one.
RECORD_RETENTION = timedelta(days=30)


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

    `fields` are the paths of the columns, in order. `metadata_types` are the types of the metadata
    keys that the columns need, as of the creation of the export. `has_byte_order_mark` and
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

    `rows_total` may be off until DONE, and is None if nothing is known of it. `length_bytes` is the
    length of the file; None until DONE. `expires_at` is when the file is deleted; None until DONE.
    `error` says why a FAILED export failed.
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

    def is_downloadable(self, now: datetime) -> bool:
        """Whether the file exists at `now`."""
        return self.expires_at is not None and now < self.expires_at


@dataclass(frozen=True, slots=True)
class ExportDefinition:
    """Everything that an export's rows depend on besides the customers, as of its creation.

    `filter` is None for a static segment. `metadata_keys` are the keys that the filter and the
    columns read; None stands for all keys. `max_customer_id` is the greatest id of a customer;
    None if there were no customers.
    """

    segment_id: str
    filter: Mapping[str, Any] | None
    referenced_segments: Mapping[str, ReferencedSegment]
    metadata_keys: tuple[str, ...] | None
    time_zone: str
    week_start: int
    now: datetime
    max_customer_id: str | None
    row_options: RowOptions

    @property
    def static_segment_names(self) -> dict[str, str | None]:
        """The static segments whose members the export reads, by id, with their names. The name of
        the exported segment itself is None."""
        names: dict[str, str | None] = {
            id_: segment.name
            for id_, segment in self.referenced_segments.items()
            if segment.filter is None
        }
        return names if self.filter is not None else {self.segment_id: None, **names}


@dataclass(frozen=True, slots=True)
class ExportCheckpoint:
    """How far an export has come: the last customer who was read, and what was written."""

    last_customer_id: str | None = None
    rows_done: int = 0
    length_bytes: int = 0


@dataclass(frozen=True, slots=True)
class ClaimedExport:
    """An export that a worker holds. `attempt` counts the claims since the last progress, this one
    included."""

    export: Export
    definition: ExportDefinition
    checkpoint: ExportCheckpoint
    attempt: int


@dataclass(frozen=True, slots=True)
class ExportSummary:
    """How many exports are SCHEDULED, IN_PROGRESS, and listed as FAILED; and since when the oldest
    SCHEDULED one has waited for a worker."""

    scheduled: int
    in_progress: int
    failed: int
    waiting_since: datetime | None
