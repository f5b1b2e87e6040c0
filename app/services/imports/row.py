"""One row of an imported file."""

from dataclasses import dataclass
from typing import Any

from app.errors import Problem, UserErrorCode


@dataclass(frozen=True, slots=True)
class Row:
    """One row, which begins at `line_number`. `input_object` has the shape of the API's input.

    `problem` is set if the row can't be read. `idempotency_key` is a generated key, for an event
    without one.
    """

    line_number: int
    input_object: dict[str, Any]
    problem: Problem | None = None
    idempotency_key: str | None = None

    @property
    def call_input(self) -> dict[str, Any]:
        """The input of the bulk call."""
        return (
            self.input_object
            if self.idempotency_key is None
            else {**self.input_object, "idempotencyKey": self.idempotency_key}
        )

    @classmethod
    def unreadable(cls, line_number: int, message: str, input_object: dict[str, Any]) -> "Row":
        return cls(line_number, input_object, Problem(UserErrorCode.INVALID, message))


NOT_UTF8_MESSAGE = "The row is not UTF-8; save the file in that encoding."
