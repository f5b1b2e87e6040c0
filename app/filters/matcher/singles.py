"""Parts of filters that no table tells: each is judged by itself, for all who want it at once."""

from collections.abc import Sequence
from datetime import datetime

from app.filters.calendar import cut
from app.filters.evaluate import Evaluation
from app.filters.flips import Search
from app.filters.matcher.clock import follows_clock
from app.filters.matcher.vectors import vector
from app.filters.tree import Filter


class Single:
    """A part with the rules that want it to hold, and those that want it not to."""

    def __init__(self, part: Filter, wanted: Sequence[int], unwanted: Sequence[int]) -> None:
        self.part = part
        self._wanted, self._unwanted = vector(wanted), vector(unwanted)
        self.mentions = self._wanted | self._unwanted
        self.follows_clock = follows_clock(part)

    def fallen(self, evaluation: Evaluation) -> int:
        """The rules that do not hold because of it."""
        return self._unwanted if evaluation.holds(self.part) else self._wanted

    def turns_at(self, search: Search) -> datetime | None:
        """The first instant of the search at which the answer turns."""
        turns = next(search.course(self.part).flips, None)
        return None if turns is None else cut(turns)
