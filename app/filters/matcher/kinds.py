"""Measures of rows, by the kind of row that they are taken of.

Most customers have rows of a few kinds only: of all the others it is known what they come to.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

from app.errors import Refused
from app.filters.calendar import MILLISECOND, Now, cut
from app.filters.evaluate import Document, Evaluation
from app.filters.flips import Search
from app.filters.matcher.clock import measure_may_turn
from app.filters.matcher.columns import NumbersColumn
from app.filters.measuring import of_none
from app.filters.sources import kind
from app.filters.tree import Measure, steady

Kind = tuple[str, object]
"""A collection, and which of its rows."""


def kind_of(measure: Measure) -> Kind:
    """The kind of rows that the measure is taken of."""
    return measure.source.collection, measure.source.kind


def by_kind(rows: Mapping[str, Sequence[Document]]) -> dict[Kind, list[Document]]:
    """A customer's rows."""
    found: defaultdict[Kind, list[Document]] = defaultdict(list)
    for collection, those in rows.items():
        for row in those:
            found[collection, kind(collection, row)].append(row)
    return found


class Measured:
    """A measure with all that is asked of it."""

    def __init__(self, measure: Measure, columns: Sequence[NumbersColumn]) -> None:
        self.measure = measure
        self.follows_clock = steady(measure) != measure
        self._columns = columns
        self.mentions = 0
        for column in columns:
            self.mentions |= column.mentions

    def of_nothing(self, now: Now) -> int:
        """Whom it leaves of customers without such rows."""
        return self._left(of_none(self.measure), now)

    def left(self, evaluation: Evaluation) -> int:
        """Whom it leaves."""
        return self._left(evaluation.measured(self.measure), evaluation.now)

    def _left(self, value: object, now: Now) -> int:
        left = -1
        for column in self._columns:
            left &= column.left(value, now)
        return left

    def turns_at(self, search: Search, live: int) -> datetime | None:
        """The next instant at which the answer to one of the live rules turns; the end of the
        search where it may do so later, and None where it never will."""
        values = search.values(self.measure)
        at, value = next(values)
        before = self._left(value, search.now)
        try:
            for at, value in values:
                if (self._left(value, search.now) ^ before) & live:
                    return cut(at)
        except Refused:
            # Too much to be told at once: the rest is looked at from there on.
            return cut(at) + MILLISECOND
        may = measure_may_turn(self.measure, search.facts, search.now)
        return search.until if may else None
