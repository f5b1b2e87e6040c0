"""What an import found and did: for each column, for all rows, and why rows were refused."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from app.errors import Problem
from app.services.bulk_rows import RowChange
from app.services.imports.row import Row

_MAX_REASONS = 1_000


@dataclass
class ReportColumn:
    """A column of the file: its paths, type and a sample value, and how many values were
    refused."""

    name: str
    paths: tuple[str, ...]
    type: str
    sample: str | None
    refused_count: int = 0


@dataclass
class Reason:
    """Why rows were refused, how many, and the line of the first."""

    message: str
    first_line: int
    count: int = 0


def describe_problem(problem: Problem) -> str:
    """Returns the message; for a field of a line item with its path, as the message names only the
    field."""
    if len(problem.path) > 1 and problem.path[1].isdigit():
        return f"{'.'.join(problem.path)}: {problem.message}"
    return problem.message


@dataclass
class ImportReport:
    """What one import found and did.

    `detected_types` are the types by path that only the values told. `repeated_count` are accepted
    rows about a customer, order or event that an earlier row of the file is about.
    `passed_over_count` are rows that another kind of import takes.
    """

    file_description: str = ""
    detected_types: Mapping[str, str] = field(default_factory=dict)
    columns: Sequence[ReportColumn] = ()
    counts: dict[RowChange, int] = field(default_factory=lambda: dict.fromkeys(RowChange, 0))
    repeated_count: int = 0
    passed_over_count: int = 0
    rejected_count: int = 0
    other_reasons_count: int = 0
    _reasons: dict[str, Reason] = field(default_factory=dict)

    @property
    def accepted_count(self) -> int:
        return sum(self.counts.values()) + self.repeated_count

    def add_accepted(self, row: Row, change: RowChange | None) -> None:
        if row.is_repeated:
            self.repeated_count += 1
        else:
            self.counts[change or RowChange.UNCHANGED] += 1

    def add_rejected(self, row: Row, problems: Iterable[Problem]) -> None:
        self.rejected_count += 1
        for problem in problems:
            self._add_reason(row, problem)
            if column := self._find_column(problem.path):
                column.refused_count += 1

    def frequent_reasons(self, count: int) -> list[Reason]:
        """Returns the most frequent reasons, at most `count`."""
        return sorted(self._reasons.values(), key=lambda reason: -reason.count)[:count]

    def _add_reason(self, row: Row, problem: Problem) -> None:
        message = describe_problem(problem)
        reason = self._reasons.get(message)
        if reason is None:
            if len(self._reasons) >= _MAX_REASONS:
                self.other_reasons_count += 1
                return
            reason = self._reasons[message] = Reason(message, row.line_number)
        reason.count += 1

    def _find_column(self, path: Sequence[str]) -> ReportColumn | None:
        name = ".".join(part for part in path if not part.isdigit())
        if not name:
            return None
        exact = (column for column in self.columns if name in column.paths)
        inside = (
            column
            for column in self.columns
            if any(
                given.startswith(f"{name}.") or name.startswith(f"{given}.")
                for given in column.paths
            )
        )
        return next(exact, None) or next(inside, None)
