"""Rows that go in together, and what becomes of each."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from app.domain.inputs import Input
from app.errors import Problem
from app.services.imports.row import Row
from app.services.rows import BulkResult, Rows


@dataclass(frozen=True)
class Batch:
    """Some rows of the file, and those that can be read as one call takes them."""

    rows: Sequence[Row]
    readable: Rows[Any]

    @classmethod
    def of(cls, rows: Sequence[Row], model: type[Input]) -> "Batch":
        wires = [row.sent for row in rows if row.problem is None]
        return cls(rows, Rows.read(model, wires))

    def refused(self, result: BulkResult) -> list[tuple[Row, list[Problem]]]:
        """The rows that were not taken, in their order, with what is wrong with each."""
        sent = [row for row in self.rows if row.problem is None]
        found = {row.line: [row.problem] for row in self.rows if row.problem is not None}
        for problem in result.problems:
            # In a call's result the path begins with `inputs` and the index.
            _, index, *path = problem.path
            found.setdefault(sent[int(index)].line, []).append(replace(problem, path=tuple(path)))
        return [(row, found[row.line]) for row in self.rows if row.line in found]
