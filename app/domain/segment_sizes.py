"""Sampled sizes of segments over time.

Time is divided into slots of equal length, the same for all segments. A worker samples each size
once per slot. A slot in which no worker ran has no sample.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from app.errors import UserErrorCode, input_error

# Every sample is kept for this time; after that only the last sample of each day.
FULL_RESOLUTION_RETENTION = timedelta(days=30)
RETENTION = timedelta(days=3 * 365)

# The length of the range if the client does not send `from`.
DEFAULT_TIME_RANGE = timedelta(days=30)
# A selection has the first and the last point.
MIN_POINTS = 2
# As many as a chart can show.
MAX_POINTS = 1_000

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class SegmentSize:
    """The number of members at one instant."""

    at: datetime
    member_count: int


@dataclass(frozen=True, slots=True)
class SizeSeries:
    """Sizes of one segment in the order of time: their instants, as milliseconds since 1970, and
    the numbers of members. A SegmentSize for each of thousands would take longer than to read
    them."""

    at_milliseconds: Sequence[int]
    member_counts: Sequence[int]

    def downsample(self, max_points: int) -> list[SegmentSize]:
        """Returns at most `max_points` of the sizes, in order: the first one, and the last one of
        each of the equal intervals into which the remaining time is divided."""
        times = self.at_milliseconds
        indexes: Iterable[int] = range(len(times))
        if len(times) > max_points:
            first, duration = times[0], times[-1] - times[0]
            # A later size replaces an earlier one of its interval.
            indexes = {
                -((first - at) * (max_points - 1) // duration): index
                for index, at in enumerate(times)
            }.values()
        return [
            SegmentSize(_EPOCH + timedelta(milliseconds=times[index]), self.member_counts[index])
            for index in indexes
        ]


def slot_start(instant: datetime, interval: timedelta) -> datetime:
    """Returns the start of the slot that contains the instant."""
    return _EPOCH + (instant - _EPOCH) // interval * interval


def resolve_time_range(
    start_at: datetime | None, end_at: datetime | None, now: datetime
) -> tuple[datetime, datetime | None]:
    """Returns the requested range with defaults for what was left out; both ends are inclusive.
    Raises INVALID if it ends before it starts."""
    if start_at is None:
        # No sample is older than RETENTION. Python has no datetime before the year 1.
        return max(end_at or now, now - RETENTION) - DEFAULT_TIME_RANGE, end_at
    if end_at is not None and end_at < start_at:
        message = "`from` must not come after `to`; swap them, or leave one out."
        raise input_error(UserErrorCode.INVALID, message, "from")
    return start_at, end_at
