"""Segments: named groups of customers."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from app.errors import UserErrorCode, input_error
from app.filters.calendar import MILLISECOND, truncate_to_milliseconds
from app.filters.fields import is_storable
from app.unicode_text import is_visible

MAX_NAME_LENGTH = 255
MAX_DESCRIPTION_LENGTH = 10_000
MAX_STATIC_MEMBERS = 20_000


class SegmentKind(Enum):
    """STATIC: a fixed list. PASSIVE: a filter. ACTIVE: a filter whose transitions are recorded."""

    STATIC = "STATIC"
    PASSIVE = "PASSIVE"
    ACTIVE = "ACTIVE"


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment as stored. `filter` has the shape of FilterInput; a static segment has None."""

    id: str
    name: str
    description: str | None
    kind: SegmentKind
    filter: Mapping[str, Any] | None
    created_at: datetime
    updated_at: datetime
    activated_at: datetime | None = None

    @property
    def is_editable(self) -> bool:
        """Whether the filter can be edited. The members of a static segment can't."""
        return self.kind is SegmentKind.PASSIVE

    def next_update_at(self, now: datetime) -> datetime:
        """Returns the instant of a change that is made now, in whole milliseconds: later than the
        last change, also if a request that began later has committed before."""
        return max(truncate_to_milliseconds(now), self.updated_at + MILLISECOND)

    def require_unchanged_since(self, instant: datetime) -> None:
        """Raises CONFLICT if the segment has changed after the instant."""
        if self.updated_at > instant:
            message = (
                f"The segment has changed at {self.updated_at.isoformat()}, after unchangedSince;"
                " read it again, and repeat the change if it is still wanted."
            )
            raise input_error(UserErrorCode.CONFLICT, message, "input", "unchangedSince")

    def require_editable(self) -> None:
        """Raises SEGMENT_NOT_EDITABLE if the filter can't be edited."""
        if self.is_editable:
            return
        reason = (
            "static: its members are fixed at creation; make a new segment"
            if self.kind is SegmentKind.STATIC
            else "active: its filter is frozen while something uses it; make a new segment"
        )
        raise input_error(
            UserErrorCode.SEGMENT_NOT_EDITABLE, f"The segment is {reason}.", "input", "filter"
        )


def validate_name(name: str | None) -> str:
    """Returns the trimmed name. Raises INVALID if it is empty, too long or can't be stored."""
    trimmed = (name or "").strip()
    if (
        not 1 <= len(trimmed) <= MAX_NAME_LENGTH
        or not is_storable(trimmed)
        or not is_visible(trimmed)
    ):
        message = f"A segment's name has 1 to {MAX_NAME_LENGTH} visible characters, without NUL."
        raise input_error(UserErrorCode.INVALID, message, "input", "name")
    return trimmed


def validate_description(description: str | None) -> str | None:
    """Returns the description. Raises INVALID if it is too long or can't be stored."""
    if description is None or (
        len(description) <= MAX_DESCRIPTION_LENGTH and is_storable(description)
    ):
        return description
    message = f"A description has at most {MAX_DESCRIPTION_LENGTH:,} characters, without NUL."
    raise input_error(UserErrorCode.INVALID, message, "input", "description")
