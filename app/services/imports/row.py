"""One row of an imported file."""

from dataclasses import dataclass, replace
from typing import Any

from app.errors import Problem, UserErrorCode


@dataclass(frozen=True, slots=True)
class Row:
    """One row, which begins at `line_number`. `input_object` has the shape of the API's input.

    `source` is what the file of rejected rows repeats: lines and cells of CSV, or an object of
    NDJSON. `problems` says why the row can't be read. `key_content` is what an event's generated
    idempotency key is made of, if it is not `input_object`. `is_repeated`: an earlier row of the
    file is about the same customer, order or event.
    """

    line_number: int
    input_object: dict[str, Any]
    source: Any
    problems: tuple[Problem, ...] = ()
    key_content: Any = None
    is_repeated: bool = False

    @classmethod
    def unreadable(cls, line_number: int, message: str, source: Any) -> "Row":
        return cls(line_number, {}, source, (Problem(UserErrorCode.INVALID, message),))

    def with_fields(self, **fields: Any) -> "Row":
        """Returns the row with further fields in its input object."""
        return replace(self, input_object={**self.input_object, **fields})

    def refused(self, *problems: Problem) -> "Row":
        return replace(self, problems=(*self.problems, *problems))
