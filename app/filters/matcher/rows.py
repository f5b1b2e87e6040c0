"""Measures of rows, and all that is asked of them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from app.errors import Refused
from app.filters.calendar import MILLISECOND, Calendar, cut
from app.filters.evaluate import Document, Facts
from app.filters.flips import Search
from app.filters.matcher.columns import NumbersColumn, Wanted
from app.filters.measuring import of_none
from app.filters.sources import kind as kind_of
from app.filters.tree import EventCondition, Measure

Kind = tuple[str, object]
"""A collection, and which of its rows."""


def by_kind(facts: Facts, calendar: Calendar) -> Mapping[Kind, list[Document]]:
    """A customer's rows; none with the kinds that a history keeps."""
    found: defaultdict[Kind, list[Document]] = defaultdict(list)
    if (history := facts.histories.get(calendar)) is not None:
        found.update((kind, []) for kind in history.kinds)
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

    def place(self, value: int | float | None) -> int:
        """The stretch between thresholds in which a value lies."""
        return self._column.place(value)

    def left_at(self, place: int) -> int:
        """Whom the values of a stretch leave."""
        return self._column.left_at(place)

    def turns_at(
        self, left: int, rows: Sequence[Document] | None, search: Search, live: int
    ) -> datetime | None:
        """The first instant of the search at which the answer to one of the live rules turns, or an
        earlier one at which to look again. Now the measure leaves a vector: of these rows, or of
        the history where they are None."""
        if rows is None:
            history = search.facts.history(self.measure, search.now)
            assert history is not None
            stretches = _Stretches(self, left, live)
            return history.next_change(self.measure, search.now, search.until, stretches)
        at = search.now.at
        try:
            for at, value in search.values_of(self.measure, rows):
                if (self._column.left_of(value) ^ left) & live:
                    return cut(at)
        except Refused:
            # Too much to be told at once: the rest is looked at from there on.
            return cut(at) + MILLISECOND
        return None


class _Stretches(NamedTuple):
    """The stretches between the thresholds of a measure, and which of them turn live rules."""

    asked: Asked
    left: int
    live: int

    def place(self, value: int | float | None) -> int:
        return self.asked.place(value)

    def differs(self, place: int) -> bool:
        return bool((self.asked.left_at(place) ^ self.left) & self.live)


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
