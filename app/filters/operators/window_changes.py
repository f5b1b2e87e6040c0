"""A window that the clock moves over places in time: when it holds one of them, and when none."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import TypeVar

from app.filters.calendar import Calendar, Now
from app.filters.operators.operator import Operand

NEVER = datetime.max.replace(tzinfo=UTC)

DayWindow = tuple[date | None, date]
"""The first of some days, None without a beginning, and the day after the last one."""

# All that a search of ten years may ask for.
_MAX_CACHED_DAYS = 4_096

PointInTime = TypeVar("PointInTime", bound=date)


def next_window_changes(
    points: Iterable[PointInTime],
    enters_at: Callable[[PointInTime], datetime],
    leaves_at: Callable[[PointInTime], datetime],
    now: Now,
    until: datetime,
) -> Iterator[datetime]:
    """The instants after `now`, until `until`, at which the window gets its first place or loses
    its last one.

    A place is in from the instant at which it enters until that at which it leaves. Both ends of
    the window only ever move forward, so that a later place neither enters nor leaves earlier.
    Sorted once, n places cost at most two steps each, of log n where the window holds many.
    """
    sorted_points = sorted(set(points))
    next_index = 0
    while next_index < len(sorted_points):
        start, end = enters_at(sorted_points[next_index]), leaves_at(sorted_points[next_index])
        next_index += 1
        while next_index < len(sorted_points) and enters_at(sorted_points[next_index]) <= end:
            # Of those that are in by then, the last one stays the longest.
            next_index = bisect_right(sorted_points, end, next_index, key=enters_at)
            end = leaves_at(sorted_points[next_index - 1])
        if start > until:
            return
        # Where two midnights are one instant, a place may leave as it enters.
        if start < end:
            yield from (instant for instant in (start, end) if now.at < instant <= until)


@lru_cache(maxsize=64)
def window_by_day(
    compute_window: Callable[[Operand, date, Calendar], DayWindow],
    operand: Operand,
    calendar: Calendar,
) -> Callable[[date], DayWindow]:
    """The window of each day, which is the same for all customers: it is worked out once."""
    return lru_cache(maxsize=_MAX_CACHED_DAYS)(
        lambda today: compute_window(operand, today, calendar)
    )


def next_day_window_changes(
    days: Iterable[date],
    window_of_day: Callable[[date], DayWindow],
    now: Now,
    until: datetime,
) -> Iterator[datetime]:
    """The same of a window that is given by today. Days are found by bisection, instants by their
    midnights."""
    calendar = now.calendar
    day_ordinals = range(
        calendar.day_of(now.at).toordinal(), calendar.day_of(until).toordinal() + 1
    )

    def first_midnight(condition: Callable[[date], bool]) -> datetime:
        """The midnight of the first day, from today on, of which this is true."""
        days_before = bisect_right(
            day_ordinals, False, key=lambda today: condition(date.fromordinal(today))
        )
        return calendar.midnight_of(date.fromordinal(day_ordinals.start + days_before))

    def enters_at(day: date) -> datetime:
        return first_midnight(lambda today: day < window_of_day(today)[1])

    def leaves_at(day: date) -> datetime:
        return first_midnight(lambda today: day < (window_of_day(today)[0] or date.min))

    return next_window_changes(days, enters_at, leaves_at, now, until)
