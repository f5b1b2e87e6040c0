"""The file of rejected rows, written beside the imported file, which can be mended and imported."""

import csv
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO, Any, Protocol

from app.errors import Problem, SetupError
from app.services.imports.header import REJECT_COLUMNS, has_reject_columns
from app.services.imports.report import describe_problem
from app.services.imports.row import Row


class RejectForm(Protocol):
    """How rejected rows are written, so that the file has the form of the imported one."""

    suffix: str
    encoding: str

    def begin(self, file: IO[str]) -> None: ...

    def write(self, file: IO[str], row: Row, reason: str) -> None: ...


class CsvRejects:
    """CSV with the columns of the imported file, and two more."""

    suffix = ".csv"

    def __init__(self, names: Sequence[str], delimiter: str, encoding: str) -> None:
        self._has_reject_columns = has_reject_columns(names)
        self._names = names[: -len(REJECT_COLUMNS)] if self._has_reject_columns else names
        self._delimiter = delimiter
        self.encoding = encoding

    def begin(self, file: IO[str]) -> None:
        self._write(file, [*self._names, *REJECT_COLUMNS])

    def write(self, file: IO[str], row: Row, reason: str) -> None:
        for line_number, cells in row.source:
            # A row with too few or too many cells stays so, and is refused until it is mended.
            self._write(file, [*self._without_notes(cells), str(line_number), reason])

    def _without_notes(self, cells: Sequence[str]) -> Sequence[str]:
        """Returns the cells without the line and reason of an earlier import."""
        if not self._has_reject_columns or len(cells) < len(REJECT_COLUMNS):
            return cells
        *own_cells, line_number, _ = cells
        return own_cells if line_number.isdigit() else cells

    def _write(self, file: IO[str], cells: Sequence[str]) -> None:
        csv.writer(file, delimiter=self._delimiter, lineterminator="\r\n").writerow(cells)


class NdjsonRejects:
    """NDJSON: the object of the imported file, and two more keys."""

    suffix = ".ndjson"
    encoding = "utf-8"

    def begin(self, file: IO[str]) -> None:
        """There is no header."""

    def write(self, file: IO[str], row: Row, reason: str) -> None:
        notes: dict[str, Any] = dict(zip(REJECT_COLUMNS, (row.line_number, reason), strict=True))
        try:
            line = json.dumps({**row.source, **notes}, ensure_ascii=False)
        except RecursionError:
            line = json.dumps(notes)
        file.write(line + "\n")


class RejectFile:
    """Writes rejected rows to FILE.rejected.csv or .ndjson. Deletes old ones at the start, and
    creates the file only if a row is rejected.

    Raises SetupError if the files can't be deleted, or a new one can't be created.
    """

    def __init__(self, imported_path: Path) -> None:
        self._base = f"{imported_path}.rejected"
        self._form: RejectForm | None = None
        self._file: IO[str] | None = None
        for suffix in (CsvRejects.suffix, NdjsonRejects.suffix):
            _remove(Path(self._base + suffix))

    @property
    def path(self) -> Path:
        assert self._form
        return Path(self._base + self._form.suffix)

    def set_form(self, form: RejectForm) -> None:
        """Must be called before the first row is added. Creates the file and removes it again, so
        that one that can't be written is known before rows are imported."""
        self._form = form
        try:
            self.path.touch()
        except OSError as error:
            raise _unwritable(self.path, error) from None
        _remove(self.path)

    def add(self, row: Row, problems: Iterable[Problem]) -> None:
        assert self._form
        if self._file is None:
            # Bytes that the encoding lacks are written as they were read.
            self._file = self.path.open(
                "w", encoding=self._form.encoding, errors="surrogateescape", newline=""
            )
            self._form.begin(self._file)
        reason = " ".join(map(describe_problem, problems))
        readable_reason = reason.encode(self._form.encoding, "replace").decode(self._form.encoding)
        self._form.write(self._file, row, readable_reason)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise _unwritable(path, error) from None


def _unwritable(path: Path, error: OSError) -> SetupError:
    return SetupError(
        f"{path}, the file for rejected rows, can't be written ({error.strerror}); make that"
        " possible, or copy the imported file to a folder where you may write. Nothing was imported"
    )
