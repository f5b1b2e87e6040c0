"""The text of a file, line by line; nobody knows how long it is."""

import re
from io import TextIOWrapper
from typing import IO

LONGEST_ROW = 4 * 1024 * 1024

_NOT_UTF8 = re.compile("[\udc80-\udcff]")


class TooLong(Exception):
    """A row outgrows what is held in memory."""


class Text:
    """Lines with their ends; it counts them, and watches the row that they make."""

    def __init__(self, stream: IO[bytes]) -> None:
        # Bytes that are no UTF-8 come through as lone surrogates: it is their row that is wrong.
        self._text = TextIOWrapper(stream, "utf-8", errors="surrogateescape", newline="")
        self._again: str | None = None
        self.lines = 0
        self.characters = 0
        self._row_began = 0
        self.row_is_utf8 = True

    def __iter__(self) -> "Text":
        return self

    def __next__(self) -> str:
        line, self._again = self._again or self._text.readline(LONGEST_ROW), None
        if not line:
            raise StopIteration
        if self.lines == 0:
            line = line.removeprefix("\ufeff")
        self.lines += 1
        self.characters += len(line)
        if self.characters - self._row_began >= LONGEST_ROW:
            raise TooLong
        if not line.isascii() and _NOT_UTF8.search(line):
            self.row_is_utf8 = False
        return line

    def begin_row(self) -> int:
        """The line at which the next row begins."""
        self._row_began = self.characters
        self.row_is_utf8 = True
        return self.lines + 1

    def first(self) -> str:
        """The first line with anything in it, left to be read; the empty ones before it are not."""
        for line in self:
            if line.strip():
                self.lines -= 1
                self.characters -= len(line)
                self._again = line
                return line
            self.begin_row()
        return ""

    def skip_line(self) -> None:
        """Reads to the end of a line that is too long to be held."""
        while (piece := self._text.readline(LONGEST_ROW)) and not piece.endswith(("\n", "\r")):
            pass
