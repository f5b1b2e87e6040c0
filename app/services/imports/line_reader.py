"""Reads the lines of a text file with bounded memory."""

import re
from io import TextIOWrapper
from typing import IO

from app.errors import UserErrorCode, input_error

MAX_ROW_CHARACTERS = 4 * 1024 * 1024

_LONE_SURROGATE = re.compile("[\udc80-\udcff]")


class RowTooLong(Exception):
    """A row has more than MAX_ROW_CHARACTERS characters."""


class LineReader:
    """Iterates over lines with their line ends, and counts characters. Raises RowTooLong for a line
    that is too long, after which `skip_line` skips the rest of it. Raises INVALID for bytes after
    which the encoding can't be read on.

    Bytes that are not in the encoding become lone surrogates, so that only their row is rejected.
    """

    def __init__(self, stream: IO[bytes], encoding: str) -> None:
        self._stream = TextIOWrapper(stream, encoding, errors="surrogateescape", newline="")
        self.character_count = 0

    def __iter__(self) -> "LineReader":
        return self

    def __next__(self) -> str:
        try:
            line = self._stream.readline(MAX_ROW_CHARACTERS)
        except UnicodeError:
            # UTF-16 can't go on after a wrong byte.
            raise input_error(
                UserErrorCode.INVALID,
                f"The file is not {self._stream.encoding}, or is cut off. Name its --encoding, or"
                " save it as UTF-8.",
            ) from None
        if not line:
            raise StopIteration
        if self.character_count == 0:
            line = line.removeprefix("\ufeff")
        self.character_count += len(line)
        if len(line) >= MAX_ROW_CHARACTERS:
            raise RowTooLong
        return line

    def skip_line(self) -> None:
        """Skips the rest of a line that is too long."""
        while (piece := self._stream.readline(MAX_ROW_CHARACTERS)) and not piece.endswith(
            ("\n", "\r")
        ):
            pass

    def detach(self) -> None:
        """Leaves the stream open, which the reader would close otherwise."""
        self._stream.detach()


def is_decoded(line: str) -> bool:
    """Whether the line has no byte that is not in the file's encoding."""
    return line.isascii() or not _LONE_SURROGATE.search(line)
