"""The rows of a bulk call. Each row is accepted or rejected by itself."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Generic

from app.domain.inputs import InputModel, InputObject, parse_input
from app.errors import InputError, Problem, UserErrorCode, input_error

MAX_BULK_ROWS = 1_000


class RowChange(Enum):
    """What an accepted row did: it made a customer, event or order, changed one, or neither."""

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


@dataclass(frozen=True)
class BulkResult:
    """The number of accepted rows, and the problems of the rejected ones. The path of each problem
    begins with `inputs` and the index of the row. `changes` says by index what accepted rows
    did."""

    accepted: int
    problems: tuple[Problem, ...]
    changes: Mapping[int, RowChange] = field(default_factory=dict)


@dataclass
class BulkRows(Generic[InputModel]):
    """The rows of one call: the valid ones parsed, and the problems of the invalid ones, both by
    index."""

    input_objects: Sequence[InputObject]
    parsed: dict[int, InputModel] = field(default_factory=dict)
    invalid: dict[int, tuple[Problem, ...]] = field(default_factory=dict)

    @classmethod
    def parse(
        cls, model: type[InputModel], input_objects: Sequence[InputObject]
    ) -> "BulkRows[InputModel]":
        """Parses each row by the model. Raises TOO_MANY for more than MAX_BULK_ROWS rows."""
        if len(input_objects) > MAX_BULK_ROWS:
            count = len(input_objects)
            message = f"A call takes at most {MAX_BULK_ROWS:,} rows; send {count:,} in parts."
            raise input_error(UserErrorCode.TOO_MANY, message, "inputs")
        rows: BulkRows[InputModel] = cls(input_objects)
        for index, input_object in enumerate(input_objects):
            try:
                rows.parsed[index] = parse_input(model, input_object)
            except InputError as error:
                rows.invalid[index] = error.problems
        return rows

    def to_result(
        self,
        problems_by_index: Mapping[int, Iterable[Problem]],
        changes: Mapping[int, RowChange] | None = None,
    ) -> BulkResult:
        """Returns the result of the call, given the problems of valid rows that were rejected
        later. An entry without problems marks a row as accepted, even an invalid one. `changes`
        says by index what accepted rows did."""
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
        return BulkResult(len(self.input_objects) - len(failed), tuple(problems), changes or {})
