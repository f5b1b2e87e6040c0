"""Which of many filters hold of one customer, all at once, and when to look again."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from app.filters.calendar import Now
from app.filters.evaluate import Evaluation, Facts, measured, passing
from app.filters.matcher.gather import column, gathered
from app.filters.matcher.layout import laid_out
from app.filters.matcher.rows import by_kind
from app.filters.matcher.vectors import vector
from app.filters.matcher.waits import Waits
from app.filters.tree import Filter, Measure
from app.filters.walk import measures


class Match(NamedTuple):
    """What holds of a customer at an instant.

    In `holds` the bit at a filter's slot is set where that filter holds. `wakes_at` is the first
    millisecond at which any live condition may turn by the passing of time alone, and at most ten
    years away; None where none ever will.
    """

    holds: int
    wakes_at: datetime | None


class Matcher:
    """Many filters, by their slots, compiled once to be asked of many customers.

    A filter is a rule: literals that must all hold, and choices. What can be looked up is, for all
    rules at once; each look-up leaves a vector of the rules that may still hold. What can't is
    asked one by one, and events are measured, only while a rule is left that wants to know.
    """

    def __init__(self, filters: Mapping[int, Filter]) -> None:
        self.measures: list[Measure] = [
            *dict.fromkeys(measure for filter_ in filters.values() for measure in measures(filter_))
        ]
        rules, self._levels = laid_out(filters, column)
        self._filters, self._rules = vector(filters), vector(rules)
        self._asked = gathered(rules)

    def match(self, facts: Facts, now: Now) -> Match:
        """Which of the filters hold of the customer, and until when.

        The facts hold the rows of `measuring.rows_ahead`.
        """
        asked, waits = self._asked, Waits(facts, now)
        left = self._rules
        for field, columns in asked.columns:
            stored = field.read(facts.document)
            for each in columns:
                left &= each.left(stored, now)
        # Of rules that are out already the branches matter to nobody.
        for level in self._levels[:1]:
            left ^= left & level.lost(left)
        evaluation = Evaluation(facts, now)
        for single in asked.singles:
            if left & single.mentions:
                left = single.left(left, evaluation)

        for field, columns in asked.clock_columns:
            stored = field.read(facts.document)
            for each in columns:
                before, left = left, left & each.left(stored, now)
                if stored is not None:
                    waits.for_column(each, stored, before ^ left)
        for single in asked.clock_singles:
            if left & single.mentions:
                before, left = left, single.left(left, evaluation)
                waits.for_single(single, before ^ left)
        if left & asked.events.mentions:
            left = self._measured(left, facts, now, waits)

        awaited, held = self._rules, left
        for level in self._levels[:1]:
            awaited ^= awaited & level.lost(left)
        for level in reversed(self._levels):
            held = level.settled(held)
        return Match(held & self._filters, waits.first(held, awaited))

    def _measured(self, left: int, facts: Facts, now: Now, waits: Waits) -> int:
        """Of the rules those that are left by the customer's events."""
        events = self._asked.events
        of_nothing, turned = events.left_of_nothing, 0
        for kind, rows in by_kind(facts, now.calendar).items():
            for asked in events.asked.get(kind, ()):
                if left & asked.mentions:
                    measure, own = asked.measure, (rows or None)
                    history = facts.history(measure, now)
                    if history is None:
                        number = measured(measure, passing(measure, rows, now))
                    else:
                        number, own = history.value(measure, now), history.rows(measure)
                    kept = asked.left(number)
                    turned |= asked.left_of_nothing ^ kept
                    if asked.follows_clock:
                        waits.for_measure(asked, kept, own, left ^ left & kept)
        return left & (of_nothing ^ turned)
