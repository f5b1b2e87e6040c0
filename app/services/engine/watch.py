"""The filters that are watched, compiled together."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from itertools import chain
from typing import NamedTuple
from zoneinfo import ZoneInfo

from app.domain.active_filters import ActiveFilter
from app.domain.changes import Change, Document
from app.domain.ids import Kind
from app.domain.json import same
from app.filters import Calendar, Catalog, Facts, Filter, Now, parse
from app.filters.event_history import HistoryLayout
from app.filters.fields import activity
from app.filters.matcher import Match, Matcher
from app.filters.sources import Source, listing
from app.filters.summaries import with_counts
from app.filters.tree import AttributeCondition, EventCondition, Listed, Measure, Nested
from app.filters.walk import conditions, segments_deep
from app.store.history import HistoryPlan
from app.store.ids import key

Path = tuple[str, ...]


class Turn(NamedTuple):
    """Bits of filters from one revision to another: those that stay, those that begin, and of
    those that follow others the other's with their own."""

    kept: int
    begun: int
    followed: tuple[tuple[int, int], ...]

    @property
    def new(self) -> int:
        """Those that were not there before, whether they follow others or not."""
        return self.begun | sum(bit for _, bit in self.followed)


class Compiled:
    """Some filters compiled together, to be asked of one customer after the other."""

    def __init__(self, trees: Iterable[tuple[Calendar, int, Filter]]) -> None:
        by_calendar: defaultdict[Calendar, dict[int, Filter]] = defaultdict(dict)
        for calendar, slot, tree in trees:
            by_calendar[calendar][slot] = tree
        matchers = [(Matcher(trees), calendar) for calendar, trees in by_calendar.items()]
        measures = chain.from_iterable(matcher.measures for matcher, _ in matchers)
        self.measures = list(dict.fromkeys(measures))
        self.plan = HistoryPlan(self.measures)
        self.layouts = [HistoryLayout(matcher.measures, calendar) for matcher, calendar in matchers]

        # Many customers are asked about at the same instant, one after the other.
        @lru_cache(maxsize=16)
        def matchers_at(at: datetime) -> list[tuple[Matcher, Now]]:
            return [(matcher, Now(at, calendar)) for matcher, calendar in matchers]

        self._matchers_at = matchers_at

    def match(self, facts: Facts, at: datetime) -> Match:
        """Which of the filters hold at an instant, and when to look again."""
        found = [matcher.match(facts, now) for matcher, now in self._matchers_at(at)]
        if len(found) == 1:
            return found[0]
        return Match(sum(m.holds for m in found), earlier(*(m.wakes_at for m in found)))


class Watch:
    """All filters that are in force at some revision which matters yet."""

    def __init__(
        self,
        filters: Iterable[ActiveFilter],
        before: Mapping[tuple[int, int], Filter] | None = None,
    ) -> None:
        """`before` are the `trees` of an earlier watch: these need not be made again."""
        self._filters = {active.slot: active for active in filters}
        known = before or {}
        self._trees = {
            slot: known.get((slot, active.since)) or _tree(active)
            for slot, active in self._filters.items()
        }
        self._deep = {slot: segments_deep(tree) for slot, tree in self._trees.items()}
        all_conditions = [*chain.from_iterable(map(conditions, self._trees.values()))]
        # Two keys deep: what lies deeper comes, and is compared, as a whole.
        self._of_rows = {
            _last_at(each.measure.source)
            for each in all_conditions
            if isinstance(each, EventCondition)
        }
        self._asked = self._of_rows | {
            each.field.stored[:2] for each in all_conditions if isinstance(each, AttributeCondition)
        }
        # What comes in of a customer.
        self.paths: frozenset[Path] = frozenset(self._asked) | {("sourceId",), ("version",)}
        self.all = self._compiled(-1)
        # The same few revisions are asked about for each customer.
        self.in_force = lru_cache(maxsize=1_024)(self._in_force)
        self.turn = lru_cache(maxsize=1_024)(self._turn)
        self.compiled = lru_cache(maxsize=16)(self._compiled)

    @property
    def trees(self) -> dict[tuple[int, int], Filter]:
        """What each filter asks, by its slot and by the revision that began it."""
        return {(slot, self._filters[slot].since): tree for slot, tree in self._trees.items()}

    def __bool__(self) -> bool:
        return bool(self._filters)

    def minds(self, change: Change) -> bool:
        """Whether a filter may answer differently after it."""
        before, after = change.before, change.after
        if before is None or after is None:
            return True
        if any(not same(_at(before, path), _at(after, path)) for path in self._asked):
            return True
        # Another version may include other rows, where there are any.
        is_another = before.get("version") != after.get("version")
        return is_another and any(_at(after, path) is not None for path in self._of_rows)

    def _compiled(self, bits: int) -> Compiled:
        """The filters of the bits alone."""
        return Compiled(
            (Calendar(ZoneInfo(active.time_zone), active.week_start), slot, self._trees[slot])
            for slot, active in self._filters.items()
            if bits >> slot & 1
        )

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


def _last_at(source: Source) -> Path:
    """Where a document tells whether there are rows of the source, and until when."""
    last_at = activity(source.name, "lastAt")
    assert last_at is not None
    return last_at.stored[:2]


def earlier(*instants: datetime | None) -> datetime | None:
    """The first of those that there are."""
    return min(filter(None, instants), default=None)


def _at(document: Document, path: tuple[str, ...]) -> object:
    found: object = document
    for part in path:
        found = found.get(part) if isinstance(found, dict) else None
    return found


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
    return with_counts(parse(active.filter, catalog))
