"""The file of rejected rows, written beside the imported file, which can be mended and imported."""

import csv
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO, Any, Protocol

from app.errors import Problem
from app.services.imports.header import REJECT_COLUMNS
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
        has_reject_columns = tuple(names[-len(REJECT_COLUMNS) :]) == REJECT_COLUMNS
        self._width = len(names) - (len(REJECT_COLUMNS) if has_reject_columns else 0)
        self._total_width = len(names)
        self._names = names[: self._width]
        self._delimiter = delimiter
        self.encoding = encoding

    def begin(self, file: IO[str]) -> None:
        self._write(file, [*self._names, *REJECT_COLUMNS])

    def write(self, file: IO[str], row: Row, reason: str) -> None:
        for line_number, cells in row.source:
            # A row with too few or too many cells stays so, and is refused until it is mended.
            own_cells = cells[: self._width] if len(cells) == self._total_width else cells
            self._write(file, [*own_cells, str(line_number), reason])

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
    creates the file only if a row is rejected."""

    def __init__(self, imported_path: Path) -> None:
        self._base = f"{imported_path}.rejected"
        self._form: RejectForm | None = None
        self._file: IO[str] | None = None
        for suffix in (CsvRejects.suffix, NdjsonRejects.suffix):
            Path(self._base + suffix).unlink(missing_ok=True)

    @property
    def path(self) -> Path:
        assert self._form
        return Path(self._base + self._form.suffix)

    def set_form(self, form: RejectForm) -> None:
        """Must be called before the first row is added."""
        self._form = form

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
