"""The filters that are watched, compiled together."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from itertools import chain
from typing import NamedTuple
from zoneinfo import ZoneInfo

from app.domain.active_filters import ActiveFilter
from app.domain.ids import Kind
from app.filters import Calendar, Catalog, Facts, Filter, Now, parse
from app.filters.matcher import Match, Matcher
from app.filters.sources import listing
from app.filters.tree import Listed, Measure, Nested
from app.filters.walk import segments_deep
from app.store.ids import key


class Turn(NamedTuple):
    """Bits of filters from one revision to another: those that stay, those that begin, and of
    those that follow others the other's with their own."""

    kept: int
    begun: int
    followed: tuple[tuple[int, int], ...]


class Watch:
    """All filters that are in force at some revision which matters yet."""

    def __init__(self, filters: Iterable[ActiveFilter]) -> None:
        self._filters = {active.slot: active for active in filters}
        by_calendar: defaultdict[Calendar, dict[int, Filter]] = defaultdict(dict)
        self._deep: dict[int, int] = {}
        for slot, active in self._filters.items():
            tree = _tree(active)
            self._deep[slot] = segments_deep(tree)
            calendar = Calendar(ZoneInfo(active.time_zone), active.week_start)
            by_calendar[calendar][slot] = tree
        self._matchers = {calendar: Matcher(trees) for calendar, trees in by_calendar.items()}
        matchers = self._matchers.values()
        self.measures = list(dict.fromkeys(chain.from_iterable(m.measures for m in matchers)))
        # The same few revisions are asked about for each customer.
        self.in_force = lru_cache(maxsize=1_024)(self._in_force)
        self.turn = lru_cache(maxsize=1_024)(self._turn)

    def __bool__(self) -> bool:
        return bool(self._filters)

    def match(self, facts: Facts, at: datetime) -> Match:
        """Which of the filters hold at an instant, in force or not, and when to look again."""
        found = [
            matcher.match(facts, Now(at, calendar)) for calendar, matcher in self._matchers.items()
        ]
        if len(found) == 1:
            return found[0]
        wakes = [match.wakes_at for match in found if match.wakes_at]
        return Match(sum(match.holds for match in found), min(wakes, default=None))

    def _in_force(self, revision: int) -> int:
        """The bits of the filters that are in force at a revision."""
        return sum(1 << slot for slot, active in self._filters.items() if active.in_force(revision))

    def _turn(self, before: int, after: int) -> Turn:
        """What becomes of the filters from one revision to another."""
        old, new = self.in_force(before), self.in_force(after)
        ended = {active.segment_id: bit for bit, active in self.among(old & ~new)}
        followed = [
            (ended[active.segment_id], bit)
            for bit, active in self.among(new & ~old)
            if active.segment_id in ended
        ]
        begun = new & ~old
        for _, bit in followed:
            begun ^= bit
        return Turn(old & new, begun, tuple(followed))

    def among(self, bits: int) -> list[tuple[int, ActiveFilter]]:
        """The filters of the bits, each with its own; those inside others come before these."""
        slots = []
        while bits:
            lowest = bits & -bits
            slots.append(lowest.bit_length() - 1)
            bits ^= lowest
        slots.sort(key=lambda slot: (self._deep[slot], slot))
        return [(1 << slot, self._filters[slot]) for slot in slots]


def _tree(active: ActiveFilter) -> Filter:
    known: dict[str, Nested] = {}

    def nested(id_: str) -> Nested:
        if id_ not in known:
            inside = active.inside[id_]
            known[id_] = Nested(
                id_,
                inside.name,
                Listed(Measure(listing(id_, key(Kind.SEGMENT, id_))))
                if inside.filter is None
                else parse(inside.filter, catalog),
            )
        return known[id_]

    catalog = Catalog(active.metadata, nested)
    return parse(active.filter, catalog)
