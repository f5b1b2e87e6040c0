"""How many members a segment had: points in time, one for each slot that a worker was there for.

A slot is an interval of time, the same for all segments. Where nobody counted there is a hole.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from app.errors import Code, refuse

# So long every point is kept, and after that the last of each day.
DENSE = timedelta(days=30)
KEPT = timedelta(days=3 * 365)

# How far back a question goes that does not say so.
USUAL = timedelta(days=30)
# As many as a chart can show.
MOST_POINTS = 1_000

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class SegmentSize:
    """The number of members at one instant."""

    at: datetime
    member_count: int


def slot(at: datetime, interval: timedelta) -> datetime:
    """The first instant of the slot that an instant lies in."""
    return _EPOCH + (at - _EPOCH) // interval * interval


def bounds(
    since: datetime | None, until: datetime | None, now: datetime
) -> tuple[datetime, datetime | None]:
    """What is asked for, both ends included, with what was left out; Refused where it is none."""
    if since is None:
        # Nothing is older than what is kept; and before the year 1 there is no calendar.
        return max(until or now, now - KEPT) - USUAL, until
    if until is not None and until < since:
        message = "`from` must not come after `to`; swap them, or leave one out."
        raise refuse(Code.INVALID, message, "from")
    return since, until


def thinned(sizes: Sequence[SegmentSize], most: int = MOST_POINTS) -> list[SegmentSize]:
    """At most so many of the points in their order: the first, and the last of each of the equal
    stretches of time between it and the last."""
    if len(sizes) <= most:
        return list(sizes)
    first, length = sizes[0].at, sizes[-1].at - sizes[0].at
    return list({-((first - size.at) * (most - 1) // length): size for size in sizes}.values())
