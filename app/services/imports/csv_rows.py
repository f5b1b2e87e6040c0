"""Reads CSV files. The first row names the columns."""

import csv
from collections.abc import Iterator

from app.domain.inputs import Input
from app.domain.metadata import MetadataSchema
from app.errors import UserErrorCode, input_error
from app.services.imports.columns import Columns
from app.services.imports.line_reader import MAX_ROW_CHARACTERS, LineReader, RowTooLong
from app.services.imports.row import NOT_UTF8_MESSAGE, Row


def read_rows(
    line_reader: LineReader, model: type[Input], metadata_schema: MetadataSchema | None
) -> Iterator[Row]:
    """Yields the rows below the header without empty lines. `metadata_schema` gives the types of
    metadata keys. Raises INVALID for an unusable header, or a row whose end can't be found."""
    csv.field_size_limit(MAX_ROW_CHARACTERS)
    reader = csv.reader(line_reader)
    header = _next_cells(reader, line_reader, 1)
    if header is None:
        raise input_error(
            UserErrorCode.INVALID, "The file is empty; its first row must name the columns."
        )
    if not line_reader.row_is_utf8:
        raise input_error(
            UserErrorCode.INVALID, "The header is not UTF-8; save the file in that encoding."
        )
    columns = Columns.from_header(header, model, metadata_schema)
    while True:
        line_number = line_reader.begin_row()
        cells = _next_cells(reader, line_reader, line_number)
        if cells is None:
            return
        if cells:
            yield _build_row(line_number, cells, columns, line_reader.row_is_utf8)


def _next_cells(
    reader: Iterator[list[str]], line_reader: LineReader, line_number: int
) -> list[str] | None:
    try:
        return next(reader, None)
    except (RowTooLong, csv.Error):
        # The start of the next row is unknown: a quoted text may contain line breaks.
        message = (
            f"Line {line_number}: the row is longer than {MAX_ROW_CHARACTERS:,} characters, or a"
            " quote is not closed; fix it and import again. Nothing was read from this line on."
        )
        raise input_error(UserErrorCode.INVALID, message) from None


def _build_row(line_number: int, cells: list[str], columns: Columns, is_utf8: bool) -> Row:
    input_object = columns.to_input_object(cells)
    if not is_utf8:
        return Row.unreadable(line_number, NOT_UTF8_MESSAGE, input_object)
    if len(cells) != len(columns):
        message = f"The row has {len(cells)} cells, the header {len(columns)}."
        return Row.unreadable(line_number, message, input_object)
    return Row(line_number, input_object)
