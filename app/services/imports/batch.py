"""A batch of rows of a file, which one bulk call writes."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from app.domain.inputs import Input
from app.errors import Problem
from app.services.bulk_rows import MAX_BULK_ROWS, BulkResult, BulkRows, RowChange
from app.services.imports.row import Row

MAX_BATCH_CHARACTERS = 4 * 1024 * 1024


@dataclass(frozen=True)
class Batch:
    """Rows of the file, and the readable ones among them parsed for a bulk call."""

    rows: Sequence[Row]
    parsed_rows: BulkRows[Any]

    @classmethod
    def from_rows(cls, rows: Sequence[Row], model: type[Input]) -> "Batch":
        input_objects = [row.input_object for row in rows if not row.problems]
        return cls(rows, BulkRows.parse(model, input_objects))

    def outcomes(
        self, result: BulkResult
    ) -> Iterator[tuple[Row, Sequence[Problem], RowChange | None]]:
        """Yields each row with its problems, or with what it did, given the result of the bulk
        call."""
        problems_by_index: dict[int, list[Problem]] = {}
        for problem in result.problems:
            # The path of a bulk problem begins with `inputs` and the index of the row.
            _, index_text, *path = problem.path
            problems = problems_by_index.setdefault(int(index_text), [])
            problems.append(replace(problem, path=tuple(path)))
        index = 0
        for row in self.rows:
            if row.problems:
                yield row, row.problems, None
                continue
            yield row, problems_by_index.get(index, ()), result.changes.get(index)
            index += 1


def split_into_batches(
    rows: Iterator[Row], count_characters: Callable[[], int]
) -> Iterator[list[Row]]:
    """Yields the rows in batches of at most MAX_BULK_ROWS rows and about 4 MiB of text, as
    `count_characters` counts what was read."""
    batch_rows: list[Row] = []
    batch_end = count_characters() + MAX_BATCH_CHARACTERS
    for row in rows:
        batch_rows.append(row)
        if len(batch_rows) == MAX_BULK_ROWS or count_characters() >= batch_end:
            yield batch_rows
            batch_rows = []
            batch_end = count_characters() + MAX_BATCH_CHARACTERS
    if batch_rows:
        yield batch_rows
