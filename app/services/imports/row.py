"""One row of a file."""

from dataclasses import dataclass
from typing import Any

from app.errors import Code, Problem


@dataclass(frozen=True, slots=True)
class Row:
    """What stands at a line, in the shape of the API's input; or what is wrong with it."""

    line: int
    wire: dict[str, Any]
    problem: Problem | None = None

    @classmethod
    def unreadable(cls, line: int, message: str, wire: dict[str, Any]) -> "Row":
        return cls(line, wire, Problem(Code.INVALID, message))


NOT_UTF8 = "The row is not UTF-8; save the file in that encoding."
