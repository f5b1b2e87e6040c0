"""Reads the records of a CSV file strictly: a broken quote spoils its own row only."""

import csv
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from app.services.imports.line_reader import (
    MAX_ROW_CHARACTERS,
    LineReader,
    RowTooLong,
    is_decoded,
)

_MAX_ROW_LINES = 10_000
# Stands for a line that was too long to be kept; compared by identity.
_TOO_LONG_LINE = "\0 too long"

QUOTE_MESSAGE = (
    "A quote that opens in this row is not closed, or text follows its closing quote. Close it, and"
    " write a quote inside a quoted text twice."
)
QUOTE_LEFT_MESSAGE = (
    "A text still begins with the quote that was not closed. Remove the quote, or clear the cell"
    " reason if the quote belongs to the text."
)
TOO_LONG_MESSAGE = f"The row is longer than {MAX_ROW_CHARACTERS:,} characters."
NOT_DECODED_MESSAGE = "The row has bytes that are not {encoding}; name the file's --encoding."


@dataclass(frozen=True, slots=True)
class Record:
    """A row: the line at which it begins, its cells, and why it can't be read, if so."""

    line_number: int
    cells: list[str]
    problem: str | None = None


def read_records(lines: LineReader, delimiter: str, encoding: str) -> Iterator[Record]:
    """Yields the rows, also the header, without blank rows.

    A row with a broken quote ends at its first line; reading goes on with the next line.
    """
    csv.field_size_limit(MAX_ROW_CHARACTERS)
    row_lines = _RowLines(lines)
    reader = csv.reader(row_lines, delimiter=delimiter, strict=True)
    while True:
        line_number = row_lines.begin_row()
        try:
            cells = next(reader, None)
        except csv.Error:
            first_line = row_lines.give_back_all_but_first()
            if first_line is _TOO_LONG_LINE:
                yield Record(line_number, [], TOO_LONG_MESSAGE)
                continue
            cells = next(csv.reader([first_line], delimiter=delimiter, quoting=csv.QUOTE_NONE), [])
            yield Record(line_number, cells, QUOTE_MESSAGE)
        else:
            if cells is None:
                return
            if any(map(str.strip, cells)):
                is_valid = all(map(is_decoded, row_lines.current))
                yield Record(
                    line_number,
                    cells,
                    None if is_valid else NOT_DECODED_MESSAGE.format(encoding=encoding),
                )


class _RowLines:
    """Feeds lines to the CSV reader, and remembers those of the current row."""

    def __init__(self, lines: LineReader) -> None:
        self._lines = lines
        self._given_back: deque[str] = deque()
        self._line_count = 0
        self._row_characters = 0
        self.current: list[str] = []

    def __iter__(self) -> "_RowLines":
        return self

    def __next__(self) -> str:
        line = self._given_back.popleft() if self._given_back else self._read()
        self.current.append(line)
        self._line_count += 1
        self._row_characters += len(line)
        if (
            line is _TOO_LONG_LINE
            or self._row_characters >= MAX_ROW_CHARACTERS
            or len(self.current) > _MAX_ROW_LINES
        ):
            # An open quote would take all that follows into its row.
            raise csv.Error("The row is too long.")
        return line

    def _read(self) -> str:
        try:
            return next(self._lines)
        except RowTooLong:
            self._lines.skip_line()
            return _TOO_LONG_LINE

    def begin_row(self) -> int:
        """Starts the next row and returns its line number."""
        self.current.clear()
        self._row_characters = 0
        return self._line_count + 1

    def give_back_all_but_first(self) -> str:
        """Ends the row at its first line, which it returns."""
        first_line, *others = self.current
        self._given_back.extendleft(reversed(others))
        self._line_count -= len(others)
        return first_line
