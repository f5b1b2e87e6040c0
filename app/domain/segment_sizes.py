"""How many members a segment had: points in time, one for each slot that a worker was there for.

A slot is an interval of time, the same for all segments. Where nobody counted there is a hole.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from app.errors import UserErrorCode, input_error

# So long every point is kept, and after that the last of each day.
FULL_RESOLUTION_RETENTION = timedelta(days=30)
RETENTION = timedelta(days=3 * 365)

# How far back a question goes that does not say so.
DEFAULT_TIME_RANGE = timedelta(days=30)
# As many as a chart can show.
MAX_POINTS = 1_000

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class SegmentSize:
    """The number of members at one instant."""

    at: datetime
    member_count: int


def slot_start(instant: datetime, interval: timedelta) -> datetime:
    """The first instant of the slot that an instant lies in."""
    return _EPOCH + (instant - _EPOCH) // interval * interval


def resolve_time_range(
    start_at: datetime | None, end_at: datetime | None, now: datetime
) -> tuple[datetime, datetime | None]:
    """What is asked for, both ends included, with what was left out; Refused where it is none."""
    if start_at is None:
        # Nothing is older than what is kept; and before the year 1 there is no calendar.
        return max(end_at or now, now - RETENTION) - DEFAULT_TIME_RANGE, end_at
    if end_at is not None and end_at < start_at:
        message = "`from` must not come after `to`; swap them, or leave one out."
        raise input_error(UserErrorCode.INVALID, message, "from")
    return start_at, end_at


def downsample(sizes: Sequence[SegmentSize], max_points: int = MAX_POINTS) -> list[SegmentSize]:
    """At most so many of the points in their order: the first, and the last of each of the equal
    stretches of time between it and the last."""
    if len(sizes) <= max_points:
        return list(sizes)
    first, duration = sizes[0].at, sizes[-1].at - sizes[0].at
    return list(
        {-((first - size.at) * (max_points - 1) // duration): size for size in sizes}.values()
    )
