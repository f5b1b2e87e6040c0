"""A named group of customers, and what may change of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from app.errors import UserErrorCode, input_error
from app.filters.fields import is_storable

MAX_NAME_LENGTH = 255
MAX_DESCRIPTION_LENGTH = 10_000
MAX_STATIC_MEMBERS = 20_000


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
    def is_editable(self) -> bool:
        """Whether its filter can be edited; a static segment's members never can."""
        return self.kind is SegmentKind.PASSIVE

    def require_editable(self) -> None:
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
    """The name, trimmed; Refused where it can't be one."""
    trimmed = (name or "").strip()
    if not 1 <= len(trimmed) <= MAX_NAME_LENGTH or not is_storable(trimmed):
        message = f"A segment's name has 1 to {MAX_NAME_LENGTH} characters, without NUL."
        raise input_error(UserErrorCode.INVALID, message, "input", "name")
    return trimmed


def validate_description(description: str | None) -> str | None:
    """The description; Refused where it can't be one."""
    if description is None or (
        len(description) <= MAX_DESCRIPTION_LENGTH and is_storable(description)
    ):
        return description
    message = f"A description has at most {MAX_DESCRIPTION_LENGTH:,} characters, without NUL."
    raise input_error(UserErrorCode.INVALID, message, "input", "description")
