"""Files of customers, events and orders come in: CSV and NDJSON, row by row."""

from app.services.imports.imports import Import
from app.services.imports.rehearsal import Rehearsal
from app.services.imports.rejects import Rejects

__all__ = ["Import", "Rehearsal", "Rejects"]
