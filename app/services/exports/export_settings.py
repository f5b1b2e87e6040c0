"""What can be set about exports."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class ExportSettings:
    """`retention` is how long a file can be downloaded. A worker that has written an export for
    `max_run_seconds` turns to the export that has waited longest."""

    retention: timedelta
    max_run_seconds: float = 3.0
