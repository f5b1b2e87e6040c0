"""What MongoDB's indexes can say of ranges: of the two ends one, where an array has ever lain."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.filters.calendar import Now
from app.filters.operators.operator import BoundTests, elements
from app.filters.tree import AttributeCondition, Filter


@dataclass(frozen=True)
class IndexRange:
    """What lies at a path, between two ends."""

    condition: AttributeCondition
    bound_tests: BoundTests

    @property
    def path(self) -> str:
        return self.condition.field.mongo_path

    def matches_bound(self, bound_index: int, document: Mapping[str, Any]) -> bool:
        """Whether the document has a value on that side of the one end."""
        return any(
            map(self.bound_tests[bound_index], elements(self.condition.field.read(document)))
        )


def as_index_ranges(conjuncts: Sequence[Filter], now: Now) -> list[IndexRange]:
    """The parts as ranges, at paths where arrays may lie; none where one of them is no such."""
    ranges = []
    for conjunct in conjuncts:
        if not isinstance(conjunct, AttributeCondition) or conjunct.operand.scalar:
            return []
        bound_tests = conjunct.operator.bound_tests(conjunct.operand, now)
        if bound_tests is None:
            return []
        ranges.append(IndexRange(conjunct, bound_tests))
    return ranges
