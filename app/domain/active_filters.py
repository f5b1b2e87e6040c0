"""Filters of active segments, each valid for an interval of definitions revisions."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from app.filters import MetadataType
from app.filters.filter_json import FilterJson


@dataclass(frozen=True, slots=True)
class ReferencedSegment:
    """A segment that an active filter names. `filter` is None for a static segment."""

    name: str
    filter: FilterJson | None


class FilterSlot(NamedTuple):
    """The slot of an active filter, from `since_revision` (inclusive) to `until_revision`
    (exclusive; None means that it has no end)."""

    slot: int
    since_revision: int
    until_revision: int | None

    def holds(self, membership_bits: int, revision: int) -> bool:
        """Whether a membership state as of the revision has the filter's bit."""
        return (
            self.since_revision <= revision
            and (self.until_revision is None or revision < self.until_revision)
            and bool(membership_bits >> self.slot & 1)
        )


@dataclass(frozen=True, slots=True)
class ActiveFilter:
    """The filter of one active segment, with a copy of everything that it depends on: the nested
    segments, the types of its metadata keys and the project's calendar. It is immutable. When one
    of its dependencies changes, a new ActiveFilter replaces it.

    `slot` is the number of the bit that stands for this filter in CustomerState.membership_bits.
    The filter is in force from `since_revision` (inclusive) to `until_revision` (exclusive).
    """

    slot: int
    segment_id: str
    segment_name: str
    filter: FilterJson
    referenced_segments: Mapping[str, ReferencedSegment]
    metadata: Mapping[str, MetadataType]
    time_zone: str
    week_start: int
    since_revision: int
    until_revision: int | None = None

    def is_in_force(self, revision: int) -> bool:
        return self.since_revision <= revision and (
            self.until_revision is None or revision < self.until_revision
        )
