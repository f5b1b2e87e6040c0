"""What of a customer follows the clock, and when the first of it turns."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from app.filters.calendar import Now
from app.filters.evaluate import Document, Facts
from app.filters.flips import Search, horizon
from app.filters.matcher.clock import may_turn, measure_may_turn
from app.filters.matcher.columns import Column
from app.filters.matcher.rows import Asked
from app.filters.matcher.singles import Single


class _Wait(NamedTuple):
    """The rules that something has ruled out, and all that mention it; when it next turns for live
    ones of these until some instant, and whether it may do so later."""

    fallen: int
    mentions: int
    turns_at: Callable[[int, datetime], datetime | None]
    may_turn: Callable[[], bool]


class Waits:
    """Collects what a match has come upon."""

    def __init__(self, facts: Facts, now: Now) -> None:
        self._facts = facts
        self._now = now
        self._waits: list[_Wait] = []

    def for_column(self, column: Column, stored: object, fallen: int) -> None:
        def turns_at(live: int, until: datetime) -> datetime | None:
            return column.turns_at(stored, self._now, live)

        self._waits.append(_Wait(fallen, column.mentions, turns_at, lambda: False))

    def for_single(self, single: Single[Any], fallen: int) -> None:
        def turns_at(live: int, until: datetime) -> datetime | None:
            return single.turns_at(Search(self._facts, self._now, until))

        def may() -> bool:
            return may_turn(single.part, self._facts, self._now)

        self._waits.append(_Wait(fallen, single.mentions, turns_at, may))

    def for_measure(
        self, asked: Asked, kept: int, rows: Sequence[Document] | None, fallen: int
    ) -> None:
        def turns_at(live: int, until: datetime) -> datetime | None:
            return asked.turns_at(kept, rows, Search(self._facts, self._now, until), live)

        def may() -> bool:
            return measure_may_turn(asked.measure, self._facts, self._now)

        self._waits.append(_Wait(fallen, asked.mentions, turns_at, may))

    def first(self, held: int, awaited: int) -> datetime | None:
        """The first instant of all, or in ten years where one may come later.

        A rule that holds waits for each of its conditions; one that does not, only for that which
        has ruled it out, and for nothing if that stays as it is. Of branches, those matter that
        are awaited.
        """
        if not self._waits:
            return None
        first, last, later = None, horizon(self._now), False
        for fallen, mentions, turns_at, may in self._waits:
            live = (fallen | held & mentions) & awaited
            if not live:
                continue
            at = turns_at(live, first or last)
            if at is None or at > last:
                later = later or at is not None or (first is None and may())
            elif first is None or at < first:
                first = at
        return last if first is None and later else first
