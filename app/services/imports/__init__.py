"""Files of customers, events and orders come in: CSV and NDJSON, row by row."""

from app.services.imports.dry_run_store import DryRunStore
from app.services.imports.file_import import FileImport
from app.services.imports.reject_file import RejectFile

__all__ = ["DryRunStore", "FileImport", "RejectFile"]
