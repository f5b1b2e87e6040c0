"""Rows of a bulk call: taken or refused one by one, with the row's index in each path."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic

from app.domain.inputs import InputModel, parse_input
from app.errors import InputError, Problem, UserErrorCode, input_error

MAX_BULK_ROWS = 1_000

Wire = Mapping[str, Any]


@dataclass(frozen=True)
class BulkResult:
    """How many rows were taken, and what is wrong with the others."""

    accepted: int
    problems: tuple[Problem, ...]


@dataclass
class BulkRows(Generic[InputModel]):
    """The rows of one call that can be read, by their index, and the problems of the rest."""

    wires: Sequence[Wire]
    parsed: dict[int, InputModel] = field(default_factory=dict)
    invalid: dict[int, tuple[Problem, ...]] = field(default_factory=dict)

    @classmethod
    def parse(cls, model: type[InputModel], wires: Sequence[Wire]) -> "BulkRows[InputModel]":
        if len(wires) > MAX_BULK_ROWS:
            message = f"A call takes at most {MAX_BULK_ROWS:,} rows; send {len(wires):,} in parts."
            raise input_error(UserErrorCode.TOO_MANY, message, "inputs")
        rows: BulkRows[InputModel] = cls(wires)
        for index, wire in enumerate(wires):
            try:
                rows.parsed[index] = parse_input(model, wire)
            except InputError as refused:
                rows.invalid[index] = refused.problems
        return rows

    def to_result(self, problems_by_index: Mapping[int, Iterable[Problem]]) -> BulkResult:
        """What came of the call, where these of the good rows were refused later."""
        failed = {
            index: problems_of_row
            for index, problems_of_row in {**self.invalid, **problems_by_index}.items()
            if problems_of_row
        }
        problems = [
            problem.with_path_prefix("inputs", str(index))
            for index in sorted(failed)
            for problem in failed[index]
        ]
        return BulkResult(len(self.wires) - len(failed), tuple(problems))
