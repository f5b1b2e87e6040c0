"""Lists of segments: which segments a list has, and in which order."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import NamedTuple

from app.domain.segments import Segment, SegmentKind


class SegmentOrder(Enum):
    """What a list of segments is sorted by. Ids decide between equal segments."""

    CREATED = "CREATED"
    NAME = "NAME"
    UPDATED = "UPDATED"
    LAST_SIZE = "LAST_SIZE"


@dataclass(frozen=True, slots=True)
class SegmentSelection:
    """Which segments a list has. None of a field stands for all segments.

    `search` is a part of the name. `unused` selects the segments that nothing uses, or if it is
    False those that something uses.
    """

    search: str | None = None
    kinds: Sequence[SegmentKind] | None = None
    unused: bool | None = None


SortValue = datetime | str | int | None
"""What a segment is sorted by: None, the least value, for a segment whose size is unknown."""


class ListPosition(NamedTuple):
    """The position of a segment in a sorted list."""

    value: SortValue
    segment_id: str


class ListedSegment(NamedTuple):
    """A segment with its position in the list."""

    segment: Segment
    position: ListPosition
