"""What was done to a segment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, NamedTuple

from app.domain.api_keys import calling_key_name
from app.domain.json_values import is_same_value
from app.domain.segments import Segment
from app.domain.uses import Use


class SegmentChangeKind(Enum):
    """CREATED, RENAMED, FILTER_EDITED, and ACTIVATED by the first use that needs transitions."""

    CREATED = "CREATED"
    RENAMED = "RENAMED"
    FILTER_EDITED = "FILTER_EDITED"
    ACTIVATED = "ACTIVATED"


class ChangePosition(NamedTuple):
    """The position of a change: the definitions revision, and the number among those of it."""

    revision: int
    number: int


@dataclass(frozen=True, slots=True)
class SegmentChange:
    """One change. `by` is the name of the key that made it, by default the caller's; None without
    keys. `use` is what made the segment active."""

    segment_id: str
    at: datetime
    kind: SegmentChangeKind
    by: str | None = field(default_factory=calling_key_name.get)
    filter_before: Mapping[str, Any] | None = None
    filter_after: Mapping[str, Any] | None = None
    use: Use | None = None


class RecordedChange(NamedTuple):
    """A change with its position."""

    change: SegmentChange
    position: ChangePosition


def creation(segment: Segment) -> SegmentChange:
    """Returns the change that created the segment."""
    return SegmentChange(
        segment.id, segment.created_at, SegmentChangeKind.CREATED, filter_after=segment.filter
    )


def edits(before: Segment, after: Segment) -> list[SegmentChange]:
    """Returns the changes between two versions of a segment. A new description is none."""
    changes = []
    if after.name != before.name:
        changes.append(SegmentChange(after.id, after.updated_at, SegmentChangeKind.RENAMED))
    if not is_same_value(after.filter, before.filter):
        changes.append(
            SegmentChange(
                after.id,
                after.updated_at,
                SegmentChangeKind.FILTER_EDITED,
                filter_before=before.filter,
                filter_after=after.filter,
            )
        )
    return changes


def activation(segment: Segment, use: Use) -> SegmentChange:
    """Returns the change that made the segment active, which the use needs."""
    return SegmentChange(segment.id, segment.updated_at, SegmentChangeKind.ACTIVATED, use=use)
