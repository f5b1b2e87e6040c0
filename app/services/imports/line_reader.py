"""The text of a file, line by line; nobody knows how long it is."""

import re
from io import TextIOWrapper
from typing import IO

MAX_ROW_CHARACTERS = 4 * 1024 * 1024

_LONE_SURROGATE = re.compile("[\udc80-\udcff]")


class RowTooLong(Exception):
    """A row outgrows what is held in memory."""


class LineReader:
    """Lines with their ends; it counts them, and watches the row that they make."""

    def __init__(self, stream: IO[bytes]) -> None:
        # Bytes that are no UTF-8 come through as lone surrogates: it is their row that is wrong.
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
        """The line at which the next row begins."""
        self._row_start = self.character_count
        self.row_is_utf8 = True
        return self.line_count + 1

    def peek_first_line(self) -> str:
        """The first line with anything in it, left to be read; the empty ones before it are not."""
        for line in self:
            if line.strip():
                self.line_count -= 1
                self.character_count -= len(line)
                self._pushed_back_line = line
                return line
            self.begin_row()
        return ""

    def skip_line(self) -> None:
        """Reads to the end of a line that is too long to be held."""
        while (piece := self._stream.readline(MAX_ROW_CHARACTERS)) and not piece.endswith(
            ("\n", "\r")
        ):
            pass
