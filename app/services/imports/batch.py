"""A batch of rows of a file, which one bulk call writes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from app.domain.inputs import Input
from app.errors import Problem
from app.services.bulk_rows import BulkResult, BulkRows
from app.services.imports.row import Row


@dataclass(frozen=True)
class Batch:
    """Rows of the file, and the readable ones among them parsed for a bulk call."""

    rows: Sequence[Row]
    parsed_rows: BulkRows[Any]

    @classmethod
    def from_rows(cls, rows: Sequence[Row], model: type[Input]) -> "Batch":
        input_objects = [row.call_input for row in rows if row.problem is None]
        return cls(rows, BulkRows.parse(model, input_objects))

    def rejected_rows(self, result: BulkResult) -> list[tuple[Row, list[Problem]]]:
        """Returns the rejected rows in order, each with its problems, given the result of the bulk
        call."""
        valid_rows = [row for row in self.rows if row.problem is None]
        problems_by_line = {
            row.line_number: [row.problem] for row in self.rows if row.problem is not None
        }
        for problem in result.problems:
            # The path of a bulk problem begins with `inputs` and the index of the row.
            _, index, *path = problem.path
            problems_by_line.setdefault(valid_rows[int(index)].line_number, []).append(
                replace(problem, path=tuple(path))
            )
        return [
            (row, problems_by_line[row.line_number])
            for row in self.rows
            if row.line_number in problems_by_line
        ]
