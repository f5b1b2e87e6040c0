"""The file that a command writes: it appears under its name once it is complete."""

import fcntl
import os
import sys
from contextlib import nullcontext, suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from app.errors import SetupError

STDOUT_NAME = "-"


class OutputFile:
    """A context that opens a file for writing; `commit` completes it.

    The data go to FILE.part, which replaces FILE at the end, and is removed if the context exits
    before that. Standard output and devices are written directly. Raises SetupError if another
    process writes FILE.part, or if standard output is closed.
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
        self._stream: IO[bytes]

    def __enter__(self) -> Self:
        if self._part:
            self._stream = _open_exclusively(self._part)
        elif self._path:
            self._stream = self._path.open("wb")
        elif sys.stdout is None:
            raise SetupError("standard output is closed; name a file with -o FILE")
        else:
            self._stream = sys.stdout.buffer
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
            # Closing writes what could not be written before: the error is known.
            with suppress(OSError) if error else nullcontext():
                self._stream.close()


def _open_exclusively(path: Path) -> IO[bytes]:
    """Opens an empty file for writing, and locks it until it is closed. Raises SetupError if
    another process has locked it."""
    while True:
        # Truncates it only once it is locked: another process may be writing it.
        stream = path.open("ab")
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # The process that had locked it may have renamed or removed it since.
            if _is_at(path, stream):
                stream.truncate(0)
                return stream
        except BlockingIOError:
            stream.close()
            raise SetupError(
                f"another command is writing {path}; wait until it has ended"
            ) from None
        except BaseException:
            stream.close()
            raise
        stream.close()


def _is_at(path: Path, stream: IO[bytes]) -> bool:
    """Whether the path leads to the open file."""
    try:
        return os.path.samestat(path.stat(), os.fstat(stream.fileno()))
    except FileNotFoundError:
        return False
