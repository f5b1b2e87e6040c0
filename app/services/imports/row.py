"""One row of a file."""

from dataclasses import dataclass
from typing import Any

from app.errors import Code, Problem


@dataclass(frozen=True, slots=True)
class Row:
    """What stands at a line, in the shape of the API's input; or what is wrong with it.

    `key` is an event's idempotency key where it has none of its own.
    """

    line: int
    wire: dict[str, Any]
    problem: Problem | None = None
    key: str | None = None

    @property
    def sent(self) -> dict[str, Any]:
        """What goes into the call."""
        return self.wire if self.key is None else {**self.wire, "idempotencyKey": self.key}

    @classmethod
    def unreadable(cls, line: int, message: str, wire: dict[str, Any]) -> "Row":
        return cls(line, wire, Problem(Code.INVALID, message))


NOT_UTF8 = "The row is not UTF-8; save the file in that encoding."
