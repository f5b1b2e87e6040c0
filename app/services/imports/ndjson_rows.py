"""NDJSON: a JSON object a line, in the shape of the API's input."""

import json
import re
from collections.abc import Iterator
from typing import Any

import orjson

from app.services.imports.row import NOT_UTF8, Row
from app.services.imports.text import LONGEST_ROW, Text, TooLong

_LONG_NUMBER = re.compile(r"\d{19}")
_SHOWN = 1_000


def read(text: Text) -> Iterator[Row]:
    while True:
        number = text.begin_row()
        try:
            line = next(text, None)
        except TooLong:
            text.skip_line()
            yield Row.unreadable(number, f"The row is longer than {LONGEST_ROW:,} characters.", {})
            continue
        if line is None:
            return
        if line.strip():
            yield _row(number, line, text.row_is_utf8)


def _row(number: int, line: str, is_utf8: bool) -> Row:
    shown = {"text": line.strip()[:_SHOWN]}
    if not is_utf8:
        return Row.unreadable(number, NOT_UTF8, shown)
    try:
        value = _loads(line)
    except (ValueError, RecursionError) as error:
        return Row.unreadable(number, f"The row is not JSON: {error}.", shown)
    if not isinstance(value, dict):
        return Row.unreadable(number, "The row must be a JSON object.", shown)
    return Row(number, value)


def _loads(line: str) -> Any:
    value = orjson.loads(line)
    # orjson reads an integer beyond 64 bits as a float.
    return json.loads(line) if _LONG_NUMBER.search(line) else value
