"""Which of many filters hold of one customer, all at once, and when to look again."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import NamedTuple

from app.filters.calendar import Now
from app.filters.evaluate import Evaluation, Facts
from app.filters.flips import Search, horizon
from app.filters.matcher.gather import gathered
from app.filters.matcher.kinds import by_kind
from app.filters.matcher.layout import laid_out
from app.filters.matcher.vectors import vector
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


class _Wait(NamedTuple):
    """What follows the clock: the rules that it has ruled out, all that mention it, and when it
    next turns for some of these."""

    fallen: int
    mentions: int
    turns_at: Callable[[int], datetime | None]


class Matcher:
    """Many filters, by their slots, compiled once to be asked of many customers.

    A filter is a rule: parts that must all hold. What can be looked up is, for all rules at once;
    each look-up leaves a vector of the rules that may still hold. What can't is asked one by one,
    and events are measured, only while a rule is left that wants to know.
    """

    def __init__(self, filters: Mapping[int, Filter]) -> None:
        self.measures: list[Measure] = [
            *dict.fromkeys(measure for filter_ in filters.values() for measure in measures(filter_))
        ]
        rules, self._choices = laid_out(filters)
        self._filters, self._rules = vector(filters), vector(rules)
        self._fields, self._singles, self._kinds = gathered(rules)

    def match(self, facts: Facts, now: Now) -> Match:
        """Which of the filters hold of the customer, and until when.

        The facts hold the rows of `measuring.rows_ahead`.
        """
        left, waits = self._rules, list[_Wait]()
        until = horizon(now)
        for field, columns in self._fields:
            stored = field.read(facts.document)
            for column in columns:
                before, left = left, left & column.left(stored, now)
                if column.follows_clock:
                    turns = partial(column.turns_at, stored, now, until)
                    waits.append(_Wait(before ^ left, column.mentions, turns))

        for choices in self._choices:
            left &= ~choices.lost(left)
        evaluation, search = Evaluation(facts, now), Search(facts, now, until)
        for single in self._singles:
            if left & single.mentions:
                before, left = left, left & ~single.fallen(evaluation)
                if single.follows_clock:
                    turns = partial(single.turns_at, search)
                    waits.append(_Wait(before ^ left, single.mentions, turns))
        rows = by_kind(facts.rows)
        for kind, all_measured in self._kinds.items():
            collection, _ = kind
            own = Facts(facts.document, {collection: rows.get(kind, ())})
            evaluation, search = Evaluation(own, now), Search(own, now, until)
            for measured in all_measured:
                if left & measured.mentions:
                    before, left = left, left & measured.left(evaluation)
                    if measured.follows_clock:
                        waits.append(
                            _Wait(
                                before ^ left, measured.mentions, partial(measured.turns_at, search)
                            )
                        )
        holding = left
        for choices in reversed(self._choices):
            holding &= ~choices.without(holding)
        wakes_at = _first(waits, self._awaited(left), holding) if waits else None
        return Match(holding & self._filters, wakes_at)

    def _awaited(self, left: int) -> int:
        """The rules whose answers matter: of the branches those whose rule still waits for one."""
        awaited = self._rules
        for choices in self._choices:
            awaited &= ~choices.lost(left & awaited)
        return awaited


def _first(waits: list[_Wait], awaited: int, holding: int) -> datetime | None:
    """The first instant of all. A rule that holds waits for each of its conditions; one that does
    not, only for that which has ruled it out, and for nothing if that stays as it is."""
    found: list[datetime] = []
    for fallen, mentions, turns_at in waits:
        live = (fallen | holding & mentions) & awaited
        if live and (at := turns_at(live)) is not None:
            found.append(at)
    return min(found, default=None)
