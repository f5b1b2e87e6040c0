"""CSV: the first row names the columns."""

import csv
from collections.abc import Iterator

from app.domain.inputs import Input
from app.domain.metadata import Metadata
from app.errors import Code, refuse
from app.services.imports.columns import Columns
from app.services.imports.row import NOT_UTF8, Row
from app.services.imports.text import LONGEST_ROW, Text, TooLong


def read(text: Text, model: type[Input], metadata: Metadata | None) -> Iterator[Row]:
    """The rows below the header, empty lines left out. `metadata` tells how to read its cells."""
    csv.field_size_limit(LONGEST_ROW)
    reader = csv.reader(text)
    header = _next(reader, text, 1)
    if header is None:
        raise refuse(Code.INVALID, "The file is empty; its first row must name the columns.")
    if not text.row_is_utf8:
        raise refuse(Code.INVALID, "The header is not UTF-8; save the file in that encoding.")
    columns = Columns.of(header, model, metadata)
    while True:
        number = text.begin_row()
        cells = _next(reader, text, number)
        if cells is None:
            return
        if cells:
            yield _row(number, cells, columns, text.row_is_utf8)


def _next(reader: Iterator[list[str]], text: Text, number: int) -> list[str] | None:
    try:
        return next(reader, None)
    except (TooLong, csv.Error):
        # Where the next row begins can't be known: in the midst of a text anything may stand.
        message = (
            f"Line {number}: the row is longer than {LONGEST_ROW:,} characters, or a quote is not"
            " closed; mend it and run again. Nothing was read from there on."
        )
        raise refuse(Code.INVALID, message) from None


def _row(number: int, cells: list[str], columns: Columns, is_utf8: bool) -> Row:
    wire = columns.wire(cells)
    if not is_utf8:
        return Row.unreadable(number, NOT_UTF8, wire)
    if len(cells) != len(columns):
        message = f"The row has {len(cells)} cells, the header {len(columns)}."
        return Row.unreadable(number, message, wire)
    return Row(number, wire)
