"""Detects the format of a file, reads its rows and splits them into batches."""

from collections.abc import Iterator

from app.domain.inputs import Input
from app.domain.metadata import MetadataSchema
from app.errors import InputError
from app.services.bulk_rows import MAX_BULK_ROWS
from app.services.imports import csv_rows, ndjson_rows
from app.services.imports.line_reader import LineReader, RowTooLong
from app.services.imports.row import Row

_MAX_BATCH_CHARACTERS = 4 * 1024 * 1024


def read_rows(
    file_name: str,
    line_reader: LineReader,
    model: type[Input],
    metadata_schema: MetadataSchema | None,
) -> Iterator[Row]:
    """Yields the rows of a CSV or NDJSON file. The extension of the name tells the format. For
    other names (like `-`, standard input), a file that begins with `{` is NDJSON."""
    if _is_csv(file_name.lower(), line_reader):
        return csv_rows.read_rows(line_reader, model, metadata_schema)
    return ndjson_rows.read_rows(line_reader)


def _is_csv(file_name: str, line_reader: LineReader) -> bool:
    if file_name.endswith((".csv", ".ndjson", ".jsonl")):
        return file_name.endswith(".csv")
    try:
        return not line_reader.peek_first_line().lstrip().startswith("{")
    except RowTooLong:
        return False


def split_into_batches(rows: Iterator[Row], line_reader: LineReader) -> Iterator[list[Row]]:
    """Yields the rows in batches of at most MAX_BULK_ROWS rows and about 4 MiB of text. Yields the
    last batch before it raises InputError for a row that can't be read."""
    batch_rows: list[Row] = []
    batch_end = line_reader.character_count + _MAX_BATCH_CHARACTERS
    try:
        for row in rows:
            batch_rows.append(row)
            if len(batch_rows) == MAX_BULK_ROWS or line_reader.character_count >= batch_end:
                yield batch_rows
                batch_rows = []
                batch_end = line_reader.character_count + _MAX_BATCH_CHARACTERS
    except InputError:
        # The rows before the unreadable one are imported all the same.
        if batch_rows:
            yield batch_rows
        raise
    if batch_rows:
        yield batch_rows
