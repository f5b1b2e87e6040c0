"""The format of an export: turns customers into the bytes of a file."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from app.domain.customers import Document
from app.domain.exports import ExportFormat, RowOptions
from app.services.exports.columns import resolve_columns
from app.services.exports.csv_rows import CsvRows
from app.services.exports.ndjson_rows import NdjsonRows


class RowFormat(Protocol):
    """Writes customers as rows. Rows do not depend on each other."""

    @property
    def projection(self) -> Mapping[str, int]:
        """The fields of the customer's document that the rows need."""

    def header(self) -> bytes:
        """Returns the bytes before the first row."""

    def rows(self, documents: Sequence[Document]) -> bytes:
        """Returns the rows of the documents, in order. Runs for milliseconds: call it in a
        thread."""


def row_format(options: RowOptions) -> RowFormat:
    """Returns the format of an export."""
    columns = resolve_columns(options.fields, options.metadata_types)
    if options.format is ExportFormat.NDJSON:
        return NdjsonRows(columns)
    return CsvRows(
        columns,
        has_byte_order_mark=options.has_byte_order_mark,
        escapes_formulas=options.escapes_formulas,
    )
