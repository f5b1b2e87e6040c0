"""The vocabulary of filters: a tree of conditions, without behaviour."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property

from app.filters.aggregates import Aggregate
from app.filters.fields import Field
from app.filters.operators import Operand, Operator
from app.filters.sources import RowSource


@dataclass(frozen=True)
class AllOf:
    """Every branch holds."""

    branches: tuple["Filter", ...]


@dataclass(frozen=True)
class AnyOf:
    """At least one branch holds."""

    branches: tuple["Filter", ...]


@dataclass(frozen=True)
class NoneOf:
    """Not one branch holds."""

    branches: tuple["Filter", ...]


@dataclass(frozen=True)
class AttributeCondition:
    """What the operator asks of the value at the field holds."""

    field: Field
    operator: Operator
    operand: Operand


@dataclass(frozen=True)
class SlidingWindow:
    """From so long ago, not included, until now."""

    length: timedelta


@dataclass(frozen=True)
class FixedWindow:
    """From one instant to another, both included."""

    start: datetime
    end: datetime


Window = SlidingWindow | FixedWindow


@dataclass(frozen=True)
class Measure:
    """What is taken of a customer's events of one name: their number, or an aggregate of a
    property over those that pass every `where` and lie in the window."""

    source: RowSource
    where: tuple[AttributeCondition, ...] = ()
    window: Window | None = None
    aggregate: Aggregate | None = None
    property: Field | None = None

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        # Looked up for each customer: worked out once.
        return hash((self.source, self.where, self.window, self.aggregate, self.property))

    @cached_property
    def is_count_of_all(self) -> bool:
        """Whether it is the number of all events of the name."""
        return self.aggregate is None and self.window is None and not self.where

    @cached_property
    def without_time_dependence(self) -> "Measure":
        """The measure without what follows the clock, of all rows that it may ever be taken of:
        itself where nothing does."""
        time_independent_conditions = tuple(
            time_independent_conditions
            for time_independent_conditions in self.where
            if not time_independent_conditions.operator.is_time_dependent
        )
        is_sliding = isinstance(self.window, SlidingWindow)
        if len(time_independent_conditions) == len(self.where) and not is_sliding:
            return self
        return replace(
            self, where=time_independent_conditions, window=None if is_sliding else self.window
        )


@dataclass(frozen=True)
class EventCondition:
    """What the operator asks of the measure holds."""

    measure: Measure
    operator: Operator
    operand: Operand


@dataclass(frozen=True)
class StaticMemberCondition:
    """The customer stands in the list of a static segment: there is a row of it."""

    measure: Measure


@dataclass(frozen=True, eq=False)
class NestedSegment:
    """A segment inside a filter, and whom it holds of."""

    id: str
    name: str
    tree: "Filter"


@dataclass(frozen=True)
class SegmentCondition:
    """The customer is a member of the segment, or is not."""

    segment: NestedSegment
    is_member: bool = True


Filter = (
    AllOf
    | AnyOf
    | NoneOf
    | AttributeCondition
    | EventCondition
    | StaticMemberCondition
    | SegmentCondition
)
