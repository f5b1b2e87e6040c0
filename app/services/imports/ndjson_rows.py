"""Reads NDJSON files. Each line is a JSON object in the shape of the API's input."""

import json
import re
from collections.abc import Iterator
from typing import Any

import orjson

from app.services.imports.line_reader import MAX_ROW_CHARACTERS, LineReader, RowTooLong
from app.services.imports.row import NOT_UTF8_MESSAGE, Row

_LONG_NUMBER = re.compile(r"\d{19}")
_MAX_EXCERPT_CHARACTERS = 1_000


def read_rows(line_reader: LineReader) -> Iterator[Row]:
    """Yields one row per line that is not empty. A line that can't be read is a row with a
    problem."""
    while True:
        line_number = line_reader.begin_row()
        try:
            line = next(line_reader, None)
        except RowTooLong:
            line_reader.skip_line()
            yield Row.unreadable(
                line_number, f"The row is longer than {MAX_ROW_CHARACTERS:,} characters.", {}
            )
            continue
        if line is None:
            return
        if line.strip():
            yield _build_row(line_number, line, line_reader.row_is_utf8)


def _build_row(line_number: int, line: str, is_utf8: bool) -> Row:
    excerpt = {"text": line.strip()[:_MAX_EXCERPT_CHARACTERS]}
    if not is_utf8:
        return Row.unreadable(line_number, NOT_UTF8_MESSAGE, excerpt)
    try:
        value = _parse_json(line)
    except (ValueError, RecursionError) as error:
        return Row.unreadable(line_number, f"The row is not JSON: {error}.", excerpt)
    if not isinstance(value, dict):
        return Row.unreadable(line_number, "The row must be a JSON object.", excerpt)
    return Row(line_number, value)


def _parse_json(line: str) -> Any:
    value = orjson.loads(line)
    # orjson reads an integer beyond 64 bits as a float.
    return json.loads(line) if _LONG_NUMBER.search(line) else value
