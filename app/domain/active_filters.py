"""An active segment's filter in force: from one revision of the definitions to another."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.filters import MetadataType

Wire = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ReferencedSegment:
    """A segment inside the filter; without a filter of its own it is static."""

    name: str
    filter: Wire | None


@dataclass(frozen=True, slots=True)
class ActiveFilter:
    """What one active segment asks, with all that it rests on: whatever becomes of that, this
    means the same for ever. Where something it rests on changes, another one follows it.

    `slot` is the bit that stands for it in the vectors of who is in what: the least that no other
    has. It is in force from the revision `since` until, not with, the revision `until`.
    """

    slot: int
    segment_id: str
    segment_name: str
    filter: Wire
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
