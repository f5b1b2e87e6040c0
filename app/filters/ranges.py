"""What MongoDB's indexes can say of ranges: of the two ends one, where an array has ever lain."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.filters.calendar import Now
from app.filters.operators.operator import Halves, elements
from app.filters.tree import AttributeCondition, Filter


@dataclass(frozen=True)
class Range:
    """What lies at a path, between two ends."""

    condition: AttributeCondition
    halves: Halves

    @property
    def path(self) -> str:
        return self.condition.field.address

    def half(self, which: int, document: Mapping[str, Any]) -> bool:
        """Whether the document has a value on that side of the one end."""
        return any(map(self.halves[which], elements(self.condition.field.read(document))))


def only_ranges(parts: Sequence[Filter], now: Now) -> list[Range]:
    """The parts as ranges, at paths where arrays may lie; none where one of them is no such."""
    found = []
    for part in parts:
        if not isinstance(part, AttributeCondition) or part.operand.scalar:
            return []
        halves = part.operator.halves(part.operand, now)
        if halves is None:
            return []
        found.append(Range(part, halves))
    return found
