"""Many filters at once, asked of one customer."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from app.filters.calendar import Now
from app.filters.evaluate import Evaluation, Facts
from app.filters.flips import changes_at
from app.filters.tree import Filter, Measure
from app.filters.walk import measures


class Match(NamedTuple):
    """Which filters hold, a bit for each; and the next instant at which that may change."""

    holds: int
    wakes_at: datetime | None


class Matcher:
    """Filters by their slots."""

    def __init__(self, filters: Mapping[int, Filter]) -> None:
        self._filters = dict(filters)
        found: dict[Measure, None] = {}
        for tree in filters.values():
            found.update(dict.fromkeys(measures(tree)))
        self.measures = list(found)

    def match(self, facts: Facts, now: Now) -> Match:
        """Which of the filters hold of the customer."""
        evaluation = Evaluation(facts, now)
        holds = sum(1 << slot for slot, tree in self._filters.items() if evaluation.holds(tree))
        flips = [changes_at(tree, facts, now) for tree in self._filters.values()]
        return Match(holds, min((flip for flip in flips if flip), default=None))
