"""The file of rejected rows, written beside the imported file."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import IO

from app.errors import Problem
from app.services.imports.row import Row


class RejectFile:
    """Writes rejected rows as NDJSON, each with its line number and errors. Deletes an old file at
    the start, and creates the file only if a row is rejected."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: IO[str] | None = None
        path.unlink(missing_ok=True)

    def add(self, row: Row, problems: Iterable[Problem]) -> None:
        if self._file is None:
            self._file = self.path.open("w", encoding="utf-8", errors="replace", newline="\n")
        entry = {
            "line": row.line_number,
            "row": row.input_object,
            "errors": [
                {"code": problem.code.value, "message": problem.message, "path": problem.path}
                for problem in problems
            ],
        }
        try:
            line = json.dumps(entry, ensure_ascii=False)
        except RecursionError:
            line = json.dumps({**entry, "row": {}})
        self._file.write(line + "\n")

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
