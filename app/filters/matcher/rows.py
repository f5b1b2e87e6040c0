"""Measures of rows, and all that is asked of them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

from app.errors import Refused
from app.filters.calendar import MILLISECOND, cut
from app.filters.evaluate import Document, Facts
from app.filters.flips import Search
from app.filters.matcher.columns import NumbersColumn, Wanted
from app.filters.measuring import of_none
from app.filters.sources import kind as kind_of
from app.filters.tree import EventCondition, Measure

Kind = tuple[str, object]
"""A collection, and which of its rows."""


def by_kind(facts: Facts) -> Mapping[Kind, list[Document]]:
    """A customer's rows."""
    found: defaultdict[Kind, list[Document]] = defaultdict(list)
    for collection, rows in facts.rows.items():
        for row in rows:
            found[collection, kind_of(collection, row)].append(row)
    return found


class Asked:
    """All that is asked of one measure, and who asks."""

    def __init__(self, measure: Measure, wanted: Sequence[Wanted], everyone: int) -> None:
        self.measure = measure
        self.follows_clock = measure.steady is not measure
        self._column = NumbersColumn(wanted, everyone)
        self.mentions = self._column.mentions
        # Whom it leaves of customers without rows.
        self.left_of_nothing = self._column.left_of(of_none(measure))

    def left(self, number: int | float | None) -> int:
        """Whom it leaves where it comes to the number."""
        return self._column.left_of(number)

    def turns_at(
        self,
        left: int,
        rows: Sequence[Document],
        search: Search,
        live: int,
    ) -> datetime | None:
        """The first instant of the search at which the answer to one of the live rules turns; now
        the measure of these rows leaves a vector."""
        at = search.now.at
        try:
            for at, value in search.values(self.measure, rows):
                if (self._column.left_of(value) ^ left) & live:
                    return cut(at)
        except Refused:
            # Too much to be told at once: the rest is looked at from there on.
            return cut(at) + MILLISECOND
        return None


class Events:
    """What is asked of measures: one condition a rule.

    Most customers have rows of a few kinds only: who is left where there are no rows is known
    beforehand, and only the kinds that there are turn somebody.
    """

    def __init__(self, wanted: Sequence[Wanted], everyone: int) -> None:
        measured: defaultdict[Measure, list[Wanted]] = defaultdict(list)
        for each in wanted:
            assert isinstance(each.condition, EventCondition)
            measured[each.condition.measure].append(each)
        self.mentions = 0
        self.left_of_nothing = everyone
        self.asked: dict[Kind, list[Asked]] = {}
        for measure, those in measured.items():
            asked = Asked(measure, those, everyone)
            self.mentions |= asked.mentions
            self.left_of_nothing &= asked.left_of_nothing
            kind = measure.source.collection, measure.source.kind
            self.asked.setdefault(kind, []).append(asked)
