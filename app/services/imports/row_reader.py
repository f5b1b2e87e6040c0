"""Which format a file has, and its rows."""

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
    """By the name's end; for other names, `-` among them, by the first character that is there."""
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
    """The rows in parts of what one call takes, smaller where the rows are large."""
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
        # What came before a place that can't be read is taken all the same.
        if batch_rows:
            yield batch_rows
        raise
    if batch_rows:
        yield batch_rows
