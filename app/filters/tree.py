"""The filter tree: groups and conditions as immutable values.

Both engines, the parser and the descriptions work on this tree; the nodes have no behaviour.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property

from app.filters.aggregates import Aggregate
from app.filters.fields import Field
from app.filters.operators import Operand, Operator
from app.filters.sources import RowSource


@dataclass(frozen=True)
class AllOf:
    """Holds if every branch holds."""

    branches: tuple["Filter", ...]


@dataclass(frozen=True)
class AnyOf:
    """Holds if at least one branch holds."""

    branches: tuple["Filter", ...]


@dataclass(frozen=True)
class NoneOf:
    """Holds if no branch holds."""

    branches: tuple["Filter", ...]


@dataclass(frozen=True)
class AttributeCondition:
    """Holds if the operator accepts the value at the field."""

    field: Field
    operator: Operator
    operand: Operand


@dataclass(frozen=True)
class SlidingWindow:
    """The time from `now - start_ago` (exclusive) to `now - end_ago` (inclusive).

    A row enters the window at its instant plus `end_ago`, and leaves it at its instant plus
    `start_ago`.
    """

    start_ago: timedelta
    end_ago: timedelta = timedelta()


@dataclass(frozen=True)
class FixedWindow:
    """The time from one instant to another, both inclusive."""

    start: datetime
    end: datetime


Window = SlidingWindow | FixedWindow


@dataclass(frozen=True)
class Measure:
    """A number computed over one customer's rows of one source.

    The rows are those that meet every condition of `where` and lie in the window. Without an
    aggregate the measure is their count, else the aggregate of their `property`.
    """

    source: RowSource
    where: tuple[AttributeCondition, ...] = ()
    window: Window | None = None
    aggregate: Aggregate | None = None
    property: Field | None = None

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        # Measures are dictionary keys in the evaluation of every customer.
        return hash((self.source, self.where, self.window, self.aggregate, self.property))

    @cached_property
    def is_count_of_all(self) -> bool:
        """Whether the measure counts every row of the source."""
        return self.aggregate is None and self.window is None and not self.where

    @cached_property
    def without_time_dependence(self) -> "Measure":
        """The measure without its sliding window and time-dependent conditions.

        Its rows are all that the measure can ever include. Returns the measure itself if
        nothing in it depends on time.
        """
        time_independent_conditions = tuple(
            condition for condition in self.where if not condition.operator.is_time_dependent
        )
        is_sliding = isinstance(self.window, SlidingWindow)
        if len(time_independent_conditions) == len(self.where) and not is_sliding:
            return self
        return replace(
            self, where=time_independent_conditions, window=None if is_sliding else self.window
        )


@dataclass(frozen=True)
class EventCondition:
    """Holds if the operator accepts the value of the measure."""

    measure: Measure
    operator: Operator
    operand: Operand


@dataclass(frozen=True)
class StaticMemberCondition:
    """Holds if the customer is a member of a static segment.

    The measure counts the customer's rows in the segment's list.
    """

    measure: Measure


@dataclass(frozen=True, eq=False)
class NestedSegment:
    """A segment that a filter refers to, with the parsed tree of its own filter.

    Nodes are compared by identity: the engines evaluate each nested segment once.
    """

    id: str
    name: str
    tree: "Filter"


@dataclass(frozen=True)
class SegmentCondition:
    """Holds if the customer is a member of the segment or, with `is_member=False`, is not."""

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
