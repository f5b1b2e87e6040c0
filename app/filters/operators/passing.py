"""A window that the clock moves over places in time: when it holds one of them, and when none."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import TypeVar

from app.filters.calendar import Calendar, Now
from app.filters.operators.operator import Operand

NEVER = datetime.max.replace(tzinfo=UTC)

Window = tuple[date | None, date]
"""The first of some days, None without a beginning, and the day after the last one."""

# All that a search of ten years may ask for.
_DAYS_KEPT = 4_096

Place = TypeVar("Place", bound=date)


def flips(
    places: Iterable[Place],
    enters: Callable[[Place], datetime],
    leaves: Callable[[Place], datetime],
    now: Now,
    until: datetime,
) -> Iterator[datetime]:
    """The instants after `now`, until `until`, at which the window gets its first place or loses
    its last one.

    A place is in from the instant at which it enters until that at which it leaves. Both ends of
    the window only ever move forward, so that a later place neither enters nor leaves earlier.
    Sorted once, n places cost at most two steps each, of log n where the window holds many.
    """
    ordered = sorted(set(places))
    following = 0
    while following < len(ordered):
        start, end = enters(ordered[following]), leaves(ordered[following])
        following += 1
        while following < len(ordered) and enters(ordered[following]) <= end:
            # Of those that are in by then, the last one stays the longest.
            following = bisect_right(ordered, end, following, key=enters)
            end = leaves(ordered[following - 1])
        if start > until:
            return
        # Where two midnights are one instant, a place may leave as it enters.
        if start < end:
            yield from (at for at in (start, end) if now.at < at <= until)


@lru_cache(maxsize=64)
def windows(
    days: Callable[[Operand, date, Calendar], Window], operand: Operand, calendar: Calendar
) -> Callable[[date], Window]:
    """The window of each day, which is the same for all customers: it is worked out once."""
    return lru_cache(maxsize=_DAYS_KEPT)(lambda today: days(operand, today, calendar))


def day_flips(
    days: Iterable[date],
    window: Callable[[date], Window],
    now: Now,
    until: datetime,
) -> Iterator[datetime]:
    """The same of a window that is given by today. Days are found by bisection, instants by their
    midnights."""
    calendar = now.calendar
    todays = range(calendar.day(now.at).toordinal(), calendar.day(until).toordinal() + 1)

    def first(asked: Callable[[date], bool]) -> datetime:
        """The midnight of the first day, from today on, of which this is true."""
        passed = bisect_right(todays, False, key=lambda today: asked(date.fromordinal(today)))
        return calendar.midnight(date.fromordinal(todays.start + passed))

    def enters(day: date) -> datetime:
        return first(lambda today: day < window(today)[1])

    def leaves(day: date) -> datetime:
        return first(lambda today: day < (window(today)[0] or date.min))

    return flips(days, enters, leaves, now, until)
