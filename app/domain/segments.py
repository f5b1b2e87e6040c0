"""A named group of customers, and what may change of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from app.errors import Code, refuse
from app.filters.fields import is_storable

LONGEST_NAME = 255
LONGEST_DESCRIPTION = 10_000
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
    if not 1 <= len(trimmed) <= LONGEST_NAME or not is_storable(trimmed):
        message = f"A segment's name has 1 to {LONGEST_NAME} characters, without NUL."
        raise refuse(Code.INVALID, message, "input", "name")
    return trimmed


def described(description: str | None) -> str | None:
    """The description; Refused where it can't be one."""
    if description is None or (
        len(description) <= LONGEST_DESCRIPTION and is_storable(description)
    ):
        return description
    message = f"A description has at most {LONGEST_DESCRIPTION:,} characters, without NUL."
    raise refuse(Code.INVALID, message, "input", "description")
