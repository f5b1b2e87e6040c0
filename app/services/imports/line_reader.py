"""Reads the lines of a text file with bounded memory."""

import re
from io import TextIOWrapper
from typing import IO

MAX_ROW_CHARACTERS = 4 * 1024 * 1024

_LONE_SURROGATE = re.compile("[\udc80-\udcff]")


class RowTooLong(Exception):
    """A row has more than MAX_ROW_CHARACTERS characters."""


class LineReader:
    """Iterates over lines with their line ends, and counts lines and characters.

    A row may span several lines. The reader of rows calls `begin_row` at the start of each; the
    iterator raises RowTooLong if the row grows too long.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        # Invalid UTF-8 becomes lone surrogates, so that only its row is rejected.
        self._stream = TextIOWrapper(stream, "utf-8", errors="surrogateescape", newline="")
        self._pushed_back_line: str | None = None
        self.line_count = 0
        self.character_count = 0
        self._row_start = 0
        self.row_is_utf8 = True

    def __iter__(self) -> "LineReader":
        return self

    def __next__(self) -> str:
        line, self._pushed_back_line = (
            self._pushed_back_line or self._stream.readline(MAX_ROW_CHARACTERS),
            None,
        )
        if not line:
            raise StopIteration
        if self.line_count == 0:
            line = line.removeprefix("\ufeff")
        self.line_count += 1
        self.character_count += len(line)
        if self.character_count - self._row_start >= MAX_ROW_CHARACTERS:
            raise RowTooLong
        if not line.isascii() and _LONE_SURROGATE.search(line):
            self.row_is_utf8 = False
        return line

    def begin_row(self) -> int:
        """Starts the next row and returns its line number."""
        self._row_start = self.character_count
        self.row_is_utf8 = True
        return self.line_count + 1

    def peek_first_line(self) -> str:
        """Returns the first line that is not empty, and leaves it to be read. Consumes the empty
        lines before it."""
        for line in self:
            if line.strip():
                self.line_count -= 1
                self.character_count -= len(line)
                self._pushed_back_line = line
                return line
            self.begin_row()
        return ""

    def skip_line(self) -> None:
        """Skips the rest of a line that is too long."""
        while (piece := self._stream.readline(MAX_ROW_CHARACTERS)) and not piece.endswith(
            ("\n", "\r")
        ):
            pass
