"""Files of customers, events and orders come in: CSV and NDJSON, row by row."""

from app.services.imports.imports import NOUNS, Import, Tally
from app.services.imports.rehearsal import Rehearsal
from app.services.imports.rejects import Rejects

__all__ = ["NOUNS", "Import", "Rehearsal", "Rejects", "Tally"]
