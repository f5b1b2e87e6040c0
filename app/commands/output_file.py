"""The file that a command writes: it appears under its name once it is complete."""

import os
import sys
from pathlib import Path
from types import TracebackType
from typing import IO, Self

STDOUT_NAME = "-"


class OutputFile:
    """A context that opens a file for writing; `commit` completes it.

    The data go to FILE.part, which replaces FILE at the end, and is removed if the context exits
    before that. Standard output and devices are written directly.
    """

    def __init__(self, name: str | None) -> None:
        self.name = name or STDOUT_NAME
        path = None if self.name == STDOUT_NAME else Path(self.name)
        self.is_stdout = path is None
        # A link to a file stays a link.
        self._path = path and path.resolve()
        is_replaced = self._path is not None and (
            self._path.is_file() or not os.path.lexists(self._path)
        )
        self._part = (
            self._path.with_name(f"{self._path.name}.part") if self._path and is_replaced else None
        )
        self._stream: IO[bytes] = sys.stdout.buffer

    def __enter__(self) -> Self:
        if path := self._part or self._path:
            self._stream = path.open("wb")
        return self

    def write(self, data: bytes) -> None:
        self._stream.write(data)
        # So that the reader of a pipe gets whole rows, and a full disk is noticed at once.
        self._stream.flush()

    def commit(self) -> None:
        """Makes the file durable under its name."""
        if self._part is None or self._path is None:
            return
        os.fsync(self._stream.fileno())
        self._part.replace(self._path)
        self._part = None
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def discard(self) -> None:
        """Removes the incomplete file."""
        if self._part is not None:
            self._part.unlink(missing_ok=True)

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.discard()
        if not self.is_stdout:
            self._stream.close()
