"""A file to import, which may be compressed, and may be read more than once."""

import gzip
import io
import shutil
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from app.errors import InputError, UserErrorCode, input_error

_GZIP_MAGIC = b"\x1f\x8b"
_HEAD_BYTES = 4096
_UNREADABLE_FORMATS = {
    b"PK\x03\x04": (
        "The file is a ZIP archive or an Excel workbook (.xlsx), which can't be read. Save the"
        " sheet as CSV UTF-8, or unzip the file, and import that."
    ),
    b"\xd0\xcf\x11\xe0": (
        "The file is an Excel workbook (.xls), which can't be read. Save the sheet as CSV UTF-8,"
        " and import that."
    ),
    _GZIP_MAGIC: "The file is compressed twice. Decompress it once (gunzip), and import that.",
    b"BZh": "The file is compressed by bzip2, which can't be read. Decompress it, and import that.",
    b"\xfd7zXZ": "The file is compressed by xz, which can't be read. Unpack it, and import that.",
    b"\x28\xb5\x2f\xfd": (
        "The file is compressed by Zstandard, which can't be read. Decompress it, and import that."
    ),
    b"PAR1": "The file is Parquet, which can't be read. Write CSV or NDJSON, and import that.",
    b"%PDF": "The file is a PDF, which can't be read. Export the data as CSV, and import that.",
}
_JSON_ARRAY_MESSAGE = (
    "The file is a JSON array, which can't be read. Write one object on each line (NDJSON), as"
    " `jq -c '.[]' FILE` does, and import that."
)
_DAMAGED_MESSAGE = "The compressed file is damaged or cut off; compress it again."


class Source:
    """The content of a file or stream, decompressed. `name` is the file's name without .gz."""

    def __init__(self, name: str, stream: IO[bytes]) -> None:
        self.name = name.lower().removesuffix(".gz")
        self._raw = stream
        if not _is_seekable(stream) and not hasattr(stream, "peek"):
            self._raw = io.BufferedReader(stream)  # type: ignore[type-var]
        self._is_gzip = self._peek(self._raw).startswith(_GZIP_MAGIC)
        self._content = self._open()
        self.head = self._read_head()

    def require_readable(self) -> None:
        """Raises INVALID for a format that can't be read, with what to do."""
        for magic, message in _UNREADABLE_FORMATS.items():
            if self.head.startswith(magic):
                raise input_error(UserErrorCode.INVALID, message)
        is_named_csv = self.name.endswith((".csv", ".tsv", ".txt"))
        if not is_named_csv and self._first_character() == b"[":
            raise input_error(UserErrorCode.INVALID, _JSON_ARRAY_MESSAGE)

    @property
    def is_csv(self) -> bool:
        """Whether the file is CSV by its name, or else because it does not begin with {."""
        if self.name.endswith((".csv", ".tsv", ".ndjson", ".jsonl")):
            return self.name.endswith((".csv", ".tsv"))
        return self._first_character() != b"{"

    def _first_character(self) -> bytes:
        return self.head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]

    def stream_once(self) -> IO[bytes]:
        """Returns the content. The source can't be read again if it is a pipe."""
        return self._content

    @contextmanager
    def rewindable(self) -> Iterator["Source"]:
        """Yields a source that can be rewound: this one, or a copy of a pipe in a temporary
        file."""
        if _is_seekable(self._raw):
            yield self
            return
        with tempfile.TemporaryFile() as copy, translated_errors():
            shutil.copyfileobj(self._content, copy)
            copy.seek(0)
            yield Source(self.name, copy)

    def rewind(self) -> IO[bytes]:
        """Returns the content from its beginning."""
        self._raw.seek(0)
        self._content = self._open()
        return self._content

    def _open(self) -> IO[bytes]:
        if not self._is_gzip:
            return self._raw
        return io.BufferedReader(gzip.GzipFile(fileobj=self._raw))

    def _read_head(self) -> bytes:
        with translated_errors():
            if not self._is_gzip:
                return self._peek(self._raw)
            head: bytes = self._content.peek(_HEAD_BYTES)  # type: ignore[attr-defined]
            return head

    @staticmethod
    def _peek(stream: IO[bytes]) -> bytes:
        if _is_seekable(stream):
            position = stream.tell()
            head = stream.read(_HEAD_BYTES)
            stream.seek(position)
            return head
        peeked: bytes = stream.peek(_HEAD_BYTES)  # type: ignore[attr-defined]
        return peeked


@contextmanager
def translated_errors() -> Iterator[None]:
    """Turns errors of decompression into an InputError."""
    try:
        yield
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise damaged_file() from None


def damaged_file() -> InputError:
    return input_error(UserErrorCode.INVALID, _DAMAGED_MESSAGE)


def _is_seekable(stream: IO[bytes]) -> bool:
    try:
        return stream.seekable()
    except AttributeError:
        return False
