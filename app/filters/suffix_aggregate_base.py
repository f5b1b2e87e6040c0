"""The interface of suffix aggregates; `suffix_aggregates` explains them."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

Number = int | float


class SuffixAggregate(ABC):
    """The structure for one aggregate of a series of rows, in order of time.

    Instants are in milliseconds since 1970. An index is the position of a row in the series.
    """

    def __init__(self) -> None:
        # The number of values for which only `Aggregate.compute` gives the exact result.
        self.inexact_count = 0

    @property
    def is_monotone(self) -> bool:
        """Whether the value moves in one direction only while the oldest rows leave."""
        return True

    def bounds(self, first_index: int, start_ms: int) -> tuple[Number, Number] | None:
        """The minimum and maximum of the value while rows of this suffix leave, until the last has
        left; None if they are not known."""
        return None

    @abstractmethod
    def clear(self) -> None:
        """Removes all rows."""

    @abstractmethod
    def insert(self, index: int, instant_ms: int, value: object) -> None:
        """Adds a row at its index in the series."""

    def extend(
        self, first_index: int, instants_ms: Sequence[int], values: Sequence[object]
    ) -> None:
        """Appends rows, of which the first has the index `first_index`."""
        for index, (instant_ms, value) in enumerate(
            zip(instants_ms, values, strict=True), first_index
        ):
            self.insert(index, instant_ms, value)

    @abstractmethod
    def remove(self, index: int, instant_ms: int, value: object) -> bool:
        """Removes a row. Returns False if the caller must rebuild the structure instead."""

    @abstractmethod
    def suffix_value(self, first_index: int, start_ms: int) -> Number | None:
        """The aggregate of the rows from `first_index` on, which are the rows after `start_ms`;
        None if it is missing."""
