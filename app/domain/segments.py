"""A named group of customers, and what may change of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from app.domain.json import is_storable
from app.errors import Code, refuse

MOST_STATIC_MEMBERS = 20_000


class SegmentKind(Enum):
    """A fixed list; a filter asked silently; a filter whose entries and exits are announced."""

    STATIC = "STATIC"
    PASSIVE = "PASSIVE"
    ACTIVE = "ACTIVE"


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment as stored; `filter` is in the shape of FilterInput, None where it is static."""

    id: str
    name: str
    description: str | None
    kind: SegmentKind
    filter: Mapping[str, Any] | None
    created_at: datetime
    updated_at: datetime
    activated_at: datetime | None = None

    @property
    def editable(self) -> bool:
        """Whether its filter can be edited; a static segment's members never can."""
        return self.kind is SegmentKind.PASSIVE

    def require_editable(self) -> None:
        if self.editable:
            return
        reason = (
            "static: its members are fixed at creation; make a new segment"
            if self.kind is SegmentKind.STATIC
            else "active: its filter is frozen while something uses it; make a new segment"
        )
        raise refuse(Code.SEGMENT_NOT_EDITABLE, f"The segment is {reason}.", "input", "filter")


def named(name: str | None) -> str:
    """The name, trimmed; Refused where it can't be one."""
    trimmed = (name or "").strip()
    if not 1 <= len(trimmed) <= 255 or not is_storable(trimmed):
        message = "A segment's name has 1 to 255 characters, without NUL."
        raise refuse(Code.INVALID, message, "input", "name")
    return trimmed


def described(description: str | None) -> str | None:
    """The description; Refused where it can't be one."""
    if description is not None and (len(description) > 10_000 or not is_storable(description)):
        message = "A description has at most 10,000 characters, without NUL."
        raise refuse(Code.INVALID, message, "input", "description")
    return description
