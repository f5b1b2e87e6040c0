"""Import of customers, events and orders from CSV and NDJSON files."""

from app.services.imports.dry_run_store import DryRunStore
from app.services.imports.file_import import FileImport
from app.services.imports.options import ImportOptions
from app.services.imports.reject_file import RejectFile

__all__ = ["DryRunStore", "FileImport", "ImportOptions", "RejectFile"]
