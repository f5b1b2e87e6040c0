"""One row of a file."""

from dataclasses import dataclass
from typing import Any

from app.errors import Problem, UserErrorCode


@dataclass(frozen=True, slots=True)
class Row:
    """What stands at a line, in the shape of the API's input; or what is wrong with it.

    `key` is an event's idempotency key where it has none of its own.
    """

    line_number: int
    wire: dict[str, Any]
    problem: Problem | None = None
    idempotency_key: str | None = None

    @property
    def call_input(self) -> dict[str, Any]:
        """What goes into the call."""
        return (
            self.wire
            if self.idempotency_key is None
            else {**self.wire, "idempotencyKey": self.idempotency_key}
        )

    @classmethod
    def unreadable(cls, line_number: int, message: str, wire: dict[str, Any]) -> "Row":
        return cls(line_number, wire, Problem(UserErrorCode.INVALID, message))


NOT_UTF8_MESSAGE = "The row is not UTF-8; save the file in that encoding."
