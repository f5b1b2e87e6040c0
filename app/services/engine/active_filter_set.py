"""The active filters, compiled together, and which of them a change may affect."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from itertools import chain
from typing import NamedTuple
from zoneinfo import ZoneInfo

from app.domain.active_filters import ActiveFilter
from app.domain.changes import CustomerChange, Document, FieldPath
from app.domain.json_values import is_same_value
from app.filters import Calendar, CustomerFacts, Filter, Now
from app.filters.event_history import HistoryLayout
from app.filters.matcher import Match, Matcher
from app.filters.sources import RowSource
from app.filters.summary_rewrite import rewrite_counts
from app.filters.tree import (
    AttributeCondition,
    EventCondition,
)
from app.filters.walk import conditions, segment_depth
from app.services.referenced_segments import parse_with_references
from app.store.history_query import HistoryPlan


class FilterSetChange(NamedTuple):
    """How the filters in force differ between two revisions, as bit sets.

    `replacements` holds pairs (old bit, new bit) of filters that replace an earlier filter of the
    same segment. `added_bits` are filters of segments that had none.
    """

    unchanged_bits: int
    added_bits: int
    replacements: tuple[tuple[int, int], ...]

    @property
    def new_bits(self) -> int:
        """The added filters and the new ones of the replacements."""
        return self.added_bits | sum(bit for _, bit in self.replacements)


class CompiledFilters:
    """Filters compiled together, to evaluate many customers one after the other.

    `trees` yields, for each filter, its calendar, its slot (the number of its bit) and its tree.
    """

    def __init__(self, trees: Iterable[tuple[Calendar, int, Filter]]) -> None:
        by_calendar: defaultdict[Calendar, dict[int, Filter]] = defaultdict(dict)
        for calendar, slot, tree in trees:
            by_calendar[calendar][slot] = tree
        matchers = [(Matcher(trees), calendar) for calendar, trees in by_calendar.items()]
        measures = chain.from_iterable(matcher.measures for matcher, _ in matchers)
        self.measures = list(dict.fromkeys(measures))
        self.history_plan = HistoryPlan(self.measures)
        self.history_layouts = [
            HistoryLayout(matcher.measures, calendar) for matcher, calendar in matchers
        ]

        # Many customers are evaluated at the same instant, one after the other.
        @lru_cache(maxsize=16)
        def matchers_at(instant: datetime) -> list[tuple[Matcher, Now]]:
            return [(matcher, Now(instant, calendar)) for matcher, calendar in matchers]

        self._matchers_at = matchers_at

    def match(self, facts: CustomerFacts, instant: datetime) -> Match:
        """Which filters match at an instant, and the next instant at which time may change that."""
        matches = [matcher.match(facts, now) for matcher, now in self._matchers_at(instant)]
        if len(matches) == 1:
            return matches[0]
        return Match(
            sum(match.matching_slots for match in matches),
            earliest(*(match.next_timer_at for match in matches)),
        )


class ActiveFilterSet:
    """All filters that are in force at a revision which some customer has yet to pass."""

    def __init__(
        self,
        filters: Iterable[ActiveFilter],
        known_trees: Mapping[tuple[int, int], Filter] | None = None,
    ) -> None:
        """`known_trees` are the `trees` of an earlier set: they need not be parsed again."""
        self._filters_by_slot = {active_filter.slot: active_filter for active_filter in filters}
        trees_by_version = known_trees or {}
        self._trees_by_slot = {
            slot: trees_by_version.get((slot, active_filter.since_revision))
            or _parse_tree(active_filter)
            for slot, active_filter in self._filters_by_slot.items()
        }
        self._depth_by_slot = {
            slot: segment_depth(tree) for slot, tree in self._trees_by_slot.items()
        }
        all_conditions = [*chain.from_iterable(map(conditions, self._trees_by_slot.values()))]
        # Two keys deep: deeper values are read and compared as a whole.
        self._row_paths = {
            _last_row_path(condition.measure.source)
            for condition in all_conditions
            if isinstance(condition, EventCondition)
        }
        self._compared_paths = self._row_paths | {
            condition.field.document_keys[:2]
            for condition in all_conditions
            if isinstance(condition, AttributeCondition)
        }
        # The fields that the change stream and the chunks carry.
        self.paths: frozenset[FieldPath] = frozenset(self._compared_paths) | {
            ("sourceId",),
            ("version",),
        }
        self.all_filters = self._compile(-1)
        # The same few revisions are looked up for each customer.
        self.bits_in_force = lru_cache(maxsize=1_024)(self._compute_bits_in_force)
        self.change_between = lru_cache(maxsize=1_024)(self._compute_change)
        self.compiled_filters = lru_cache(maxsize=16)(self._compile)

    @property
    def trees(self) -> dict[tuple[int, int], Filter]:
        """The parsed filters, by slot and by the revision since which the filter is in force."""
        return {
            (slot, self._filters_by_slot[slot].since_revision): tree
            for slot, tree in self._trees_by_slot.items()
        }

    def __bool__(self) -> bool:
        return bool(self._filters_by_slot)

    def is_affected_by(self, change: CustomerChange) -> bool:
        """Whether the change may affect a filter's result."""
        before, after = change.before, change.after
        if before is None or after is None:
            return True
        if any(
            not is_same_value(_value_at(before, path), _value_at(after, path))
            for path in self._compared_paths
        ):
            return True
        # Another version of the customer may include other events and orders, if it has any.
        is_new_version = before.get("version") != after.get("version")
        return is_new_version and any(
            _value_at(after, path) is not None for path in self._row_paths
        )

    def _compile(self, bits: int) -> CompiledFilters:
        """Compiles the filters of these bits."""
        return CompiledFilters(
            (
                Calendar(ZoneInfo(active_filter.time_zone), active_filter.week_start),
                slot,
                self._trees_by_slot[slot],
            )
            for slot, active_filter in self._filters_by_slot.items()
            if bits >> slot & 1
        )

    def _compute_bits_in_force(self, revision: int) -> int:
        """The bits of the filters in force at a revision."""
        return sum(
            1 << slot
            for slot, active_filter in self._filters_by_slot.items()
            if active_filter.is_in_force(revision)
        )

    def _compute_change(self, old_revision: int, new_revision: int) -> FilterSetChange:
        """How the filters in force differ between two revisions."""
        old_bits, new_bits = self.bits_in_force(old_revision), self.bits_in_force(new_revision)
        ended_bits = {
            active_filter.segment_id: bit
            for bit, active_filter in self.filters_in(old_bits & ~new_bits)
        }
        replacements = [
            (ended_bits[active_filter.segment_id], bit)
            for bit, active_filter in self.filters_in(new_bits & ~old_bits)
            if active_filter.segment_id in ended_bits
        ]
        added_bits = new_bits & ~old_bits
        for _, bit in replacements:
            added_bits ^= bit
        return FilterSetChange(old_bits & new_bits, added_bits, tuple(replacements))

    def filters_in(self, bits: int) -> list[tuple[int, ActiveFilter]]:
        """The filters of these bits, each with its bit. A nested segment comes before the segments
        that contain it."""
        slots = []
        while bits:
            lowest_bit = bits & -bits
            slots.append(lowest_bit.bit_length() - 1)
            bits ^= lowest_bit
        slots.sort(key=lambda slot: (self._depth_by_slot[slot], slot))
        return [(1 << slot, self._filters_by_slot[slot]) for slot in slots]


def _last_row_path(source: RowSource) -> FieldPath:
    """The path at which a customer's document has the time of its last row of the source."""
    return source.summary_field("lastAt").document_keys[:2]


def earliest(*instants: datetime | None) -> datetime | None:
    """The earliest instant; None if there is none."""
    return min(filter(None, instants), default=None)


def _value_at(document: Document, path: tuple[str, ...]) -> object:
    value: object = document
    for part in path:
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _parse_tree(active_filter: ActiveFilter) -> Filter:
    return rewrite_counts(
        parse_with_references(
            active_filter.filter, active_filter.referenced_segments, active_filter.metadata
        )
    )
