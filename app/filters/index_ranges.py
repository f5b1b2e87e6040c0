"""Range conditions on paths that may hold arrays.

Where an indexed path has ever held an array, MongoDB uses only one of the two bounds of a range
in an index scan. The query planner estimates with this module how much one bound excludes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.filters.calendar import Now
from app.filters.operators.operator import BoundTests, elements
from app.filters.tree import AttributeCondition, Filter


@dataclass(frozen=True)
class IndexRange:
    """A condition on values between two bounds."""

    condition: AttributeCondition
    bound_tests: BoundTests

    @property
    def path(self) -> str:
        return self.condition.field.mongo_path

    def matches_bound(self, bound_index: int, document: Mapping[str, Any]) -> bool:
        """Whether a value of the document meets one bound (0 is the lower, 1 the upper)."""
        return any(
            map(self.bound_tests[bound_index], elements(self.condition.field.read(document)))
        )


def as_index_ranges(conjuncts: Sequence[Filter], now: Now) -> list[IndexRange]:
    """The conjuncts as ranges; empty unless all are ranges on paths that may hold arrays."""
    ranges = []
    for conjunct in conjuncts:
        if not isinstance(conjunct, AttributeCondition) or conjunct.operand.scalar:
            return []
        bound_tests = conjunct.operator.bound_tests(conjunct.operand, now)
        if bound_tests is None:
            return []
        ranges.append(IndexRange(conjunct, bound_tests))
    return ranges
