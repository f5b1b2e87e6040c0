"""Which format a file has, and its rows."""

from collections.abc import Iterator

from app.domain.inputs import Input
from app.domain.metadata import Metadata
from app.errors import Refused
from app.services.imports import csv_rows, ndjson_rows
from app.services.imports.row import Row
from app.services.imports.text import Text, TooLong
from app.services.rows import MOST_ROWS

_LARGEST_PART = 4 * 1024 * 1024


def rows(name: str, text: Text, model: type[Input], metadata: Metadata | None) -> Iterator[Row]:
    """By the name's end; for other names, `-` among them, by the first character that is there."""
    if _is_csv(name.lower(), text):
        return csv_rows.read(text, model, metadata)
    return ndjson_rows.read(text)


def _is_csv(name: str, text: Text) -> bool:
    if name.endswith((".csv", ".ndjson", ".jsonl")):
        return name.endswith(".csv")
    try:
        return not text.first().lstrip().startswith("{")
    except TooLong:
        return False


def parts(rows: Iterator[Row], text: Text) -> Iterator[list[Row]]:
    """The rows in parts of what one call takes, smaller where the rows are large."""
    part: list[Row] = []
    end = text.characters + _LARGEST_PART
    try:
        for row in rows:
            part.append(row)
            if len(part) == MOST_ROWS or text.characters >= end:
                yield part
                part = []
                end = text.characters + _LARGEST_PART
    except Refused:
        # What came before a place that can't be read is taken all the same.
        if part:
            yield part
        raise
    if part:
        yield part
