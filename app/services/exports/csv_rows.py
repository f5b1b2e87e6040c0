"""CSV as in RFC 4180: a header of paths, CRLF, and quotes where a cell needs them."""

import csv
import io
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from app.domain.customers import Document
from app.services.exports.columns import Column, projection
from app.services.exports.json_text import dump_json, format_instant, is_null, to_text

_BYTE_ORDER_MARK = "\ufeff".encode()
# Spreadsheets run a cell that begins like this as a formula. The apostrophe makes it text.
_FORMULA_STARTS = frozenset("=+-@\t\r")
# Beyond this, not every integer is a double, and `repr` has fewer digits.
_MAX_EXACT_FLOAT = 2.0**53
_NUMBER = re.compile(r"[+-]?[0-9.]+(E[+-]?[0-9]+)?")


class CsvRows:
    """Writes customers as rows of CSV.

    A missing or null value, NaN and infinities are empty cells. Numbers are JSON numbers in their
    shortest form, booleans are true and false, lists and objects are JSON. With `escapes_formulas`,
    a text that begins with `=`, `+`, `-`, `@`, a tab or a carriage return gets an apostrophe in
    front.
    """

    def __init__(
        self, columns: Sequence[Column], *, has_byte_order_mark: bool, escapes_formulas: bool
    ) -> None:
        self._columns = columns
        self._has_byte_order_mark = has_byte_order_mark
        self._first_characters_to_escape = _FORMULA_STARTS if escapes_formulas else frozenset()
        self.projection = projection(columns)

    def header(self) -> bytes:
        """Returns the byte order mark, if there is one, and the line of paths."""
        line = _write_lines([[column.path for column in self._columns]])
        return (_BYTE_ORDER_MARK if self._has_byte_order_mark else b"") + line

    def rows(self, documents: Sequence[Document]) -> bytes:
        """Returns the rows of the customers, in order."""
        cells_by_column = [self._cells(column.read(documents)) for column in self._columns]
        return _write_lines(zip(*cells_by_column, strict=True))

    def _cells(self, values: list[Any]) -> list[Any]:
        # Almost all cells are plain text or integers: this test keeps them out of the function.
        escaped = self._first_characters_to_escape
        to_cell = self._to_cell
        return [
            value
            if (class_ := value.__class__) is int or (class_ is str and value[:1] not in escaped)
            else to_cell(value)
            for value in values
        ]

    def _to_cell(self, value: Any) -> Any:
        """Returns the value as the csv module writes it: text, a number, or None for empty."""
        match value:
            case _ if is_null(value):
                return None
            case bool():
                return "true" if value else "false"
            case int():
                return value
            case float():
                return _to_number(value)
            case datetime():
                return format_instant(value)
            case str():
                return f"'{value}" if value[:1] in self._first_characters_to_escape else value
            case dict() | list():
                return dump_json(value).decode()
            case _:
                # A BSON type that JSON does not have. A Decimal128 stays a number.
                text = to_text(value)
                return text if _NUMBER.fullmatch(text) else self._to_cell(text)


def _to_number(value: float) -> float | int:
    is_whole = value.is_integer() and abs(value) <= _MAX_EXACT_FLOAT
    return int(value) if is_whole else value


def _write_lines(rows: Any) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()
