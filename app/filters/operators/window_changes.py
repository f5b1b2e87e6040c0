"""Finds when a window that slides with the current time starts or stops containing a point."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import TypeVar

from app.filters.calendar import Calendar, Now
from app.filters.operators.operator import Operand

NEVER = datetime.max.replace(tzinfo=UTC)

DayWindow = tuple[date | None, date]
"""The first day, or None if there is no lower bound, and the day after the last day."""

# More than the days of ten years, the horizon of a search.
_MAX_CACHED_DAYS = 4_096

PointInTime = TypeVar("PointInTime", bound=date)


def next_window_changes(
    points: Iterable[PointInTime],
    enters_at: Callable[[PointInTime], datetime],
    leaves_at: Callable[[PointInTime], datetime],
    now: Now,
    until: datetime,
) -> Iterator[datetime]:
    """The instants at which the window gets its first point or loses its last one.

    The instants lie after `now` and are not later than `until`. A point is in the window from
    `enters_at` until before `leaves_at`. Both ends of the window only move forward, so a later
    point neither enters nor leaves before an earlier one. n points cost a sort and at most 2n
    steps; a step is a bisection, O(log n), if points overlap.
    """
    sorted_points = sorted(set(points))
    next_index = 0
    while next_index < len(sorted_points):
        start, end = enters_at(sorted_points[next_index]), leaves_at(sorted_points[next_index])
        next_index += 1
        while next_index < len(sorted_points) and enters_at(sorted_points[next_index]) <= end:
            # Of the points that have entered by then, the last one leaves last.
            next_index = bisect_right(sorted_points, end, next_index, key=enters_at)
            end = leaves_at(sorted_points[next_index - 1])
        if start > until:
            return
        # If a time zone skips a day, two midnights are one instant: a point leaves as it enters.
        if start < end:
            yield from (instant for instant in (start, end) if now.at < instant <= until)


@lru_cache(maxsize=64)
def window_by_day(
    compute_window: Callable[[Operand, date, Calendar], DayWindow],
    operand: Operand,
    calendar: Calendar,
) -> Callable[[date], DayWindow]:
    """A cached function from today to the window. The window is the same for all customers."""
    return lru_cache(maxsize=_MAX_CACHED_DAYS)(
        lambda today: compute_window(operand, today, calendar)
    )


def next_day_window_changes(
    days: Iterable[date],
    window_of_day: Callable[[date], DayWindow],
    now: Now,
    until: datetime,
) -> Iterator[datetime]:
    """The same as `next_window_changes`, for a window of days that depends on today.

    A bisection finds the first day on which a point is in the window, or no longer is. The change
    happens at the midnight of that day.
    """
    calendar = now.calendar
    day_ordinals = range(
        calendar.day_of(now.at).toordinal(), calendar.day_of(until).toordinal() + 1
    )

    def first_midnight(condition: Callable[[date], bool]) -> datetime:
        """The midnight of the first day, from today on, for which the condition is true."""
        days_before = bisect_right(
            day_ordinals, False, key=lambda today: condition(date.fromordinal(today))
        )
        return calendar.midnight_of(date.fromordinal(day_ordinals.start + days_before))

    def enters_at(day: date) -> datetime:
        return first_midnight(lambda today: day < window_of_day(today)[1])

    def leaves_at(day: date) -> datetime:
        return first_midnight(lambda today: day < (window_of_day(today)[0] or date.min))

    return next_window_changes(days, enters_at, leaves_at, now, until)
