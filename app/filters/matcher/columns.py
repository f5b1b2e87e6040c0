"""All the conditions on one field that can be looked up together, for every rule at once.

In a column each rule stands at most once. Of a missing value no condition holds: whoever wants one
is not left. A value turns the rules of the conditions that hold of it; where a list is stored, so
does each of its elements.
"""

from collections import defaultdict
from collections.abc import Hashable, Sequence
from datetime import datetime, timedelta
from typing import ClassVar, NamedTuple

from app.filters.calendar import MILLISECOND, Calendar, DayLine, InstantLine, Line, Now, cut
from app.filters.fields import is_number
from app.filters.matcher.lookups import Known, distance, moments, numbers, values
from app.filters.matcher.thresholds import Thresholds
from app.filters.matcher.vectors import Turn, turn, turned, vector
from app.filters.operators import Operand
from app.filters.operators.operator import elements
from app.filters.operators.passing import NEVER

# Text is told at a glance.
_HASHABLE = (str, Hashable)


class Wanted(NamedTuple):
    """A rule wants a condition to hold, or not to."""

    rule: int
    condition: Known
    holds: bool


class Column:
    """The conditions of one field that are looked up in one way."""

    follows_clock: ClassVar[bool] = False

    def __init__(self, wanted: Sequence[Wanted], everyone: int) -> None:
        self.mentions = vector([each.rule for each in wanted])
        # Who is left where nothing turns.
        self._unturned = everyone ^ vector([each.rule for each in wanted if each.holds])

    def left(self, stored: object, now: Now) -> int:
        """Whom a stored value leaves; None stands for a missing one."""
        if not isinstance(stored, list):
            return self.left_of(stored, now)
        turned = 0
        for element in elements(stored):
            turned |= self._unturned ^ self.left_of(element, now)
        return self._unturned ^ turned

    def left_of(self, value: object, now: Now) -> int:
        """The same of a single value."""
        raise NotImplementedError

    def turns_at(self, stored: object, now: Now, live: int) -> datetime | None:
        """The next instant, however far, at which one of the live rules' conditions may turn by the
        passing of time."""
        return None


class ValuesColumn(Column):
    """The same value, or one of several; with or without regard to case."""

    def __init__(self, wanted: Sequence[Wanted], everyone: int, ignore_case: bool) -> None:
        super().__init__(wanted, everyone)
        rules: defaultdict[object, list[int]] = defaultdict(list)
        for each in wanted:
            for key in {*map(each.condition.operand.key, values(each.condition))}:
                rules[key].append(each.rule)
        self._turns: dict[object, Turn] = {key: turn(those) for key, those in rules.items()}
        self._key = Operand(ignore_case=ignore_case).key

    def left_of(self, value: object, now: Now) -> int:
        # What can't be hashed, an object for one, is equal to no scalar.
        if not isinstance(value, _HASHABLE):
            return self._unturned
        found = self._turns.get(self._key(value))
        return self._unturned if found is None else turned(self._unturned, found)


class NumbersColumn(Column):
    """More and less, and between."""

    def __init__(self, wanted: Sequence[Wanted], everyone: int) -> None:
        super().__init__(wanted, everyone)
        intervals = [(numbers(each.condition), each.rule) for each in wanted]
        self._line = Thresholds(intervals, self._unturned)

    def left_of(self, value: object, now: Now | None = None) -> int:
        return self.left_at(self.place(value))

    def place(self, value: object) -> int:
        """Where a value lies among the thresholds; below 0 where it lies nowhere, as NaN."""
        if not is_number(value) or value != value:
            return -1
        return self._line.place(value)

    def left_at(self, place: int) -> int:
        """Whom the values leave that lie there."""
        return self._unturned if place < 0 else self._line.at(place)


class MomentsColumn(Column):
    """Moments that stay where they are: they lie among instants as the calendar has it."""

    def __init__(self, wanted: Sequence[Wanted], everyone: int) -> None:
        super().__init__(wanted, everyone)
        self._wanted = wanted
        self._lines: dict[Calendar, Thresholds] = {}

    def left_of(self, value: object, now: Now) -> int:
        if not isinstance(value, datetime):
            return self._unturned
        line = self._lines.get(now.calendar) or self._laid_out(now)
        return line.at(line.place(value))

    def _laid_out(self, now: Now) -> Thresholds:
        """Once for a calendar; only that one is kept."""
        intervals = [
            (interval, each.rule)
            for each in self._wanted
            for interval in moments(each.condition, now)
        ]
        self._lines = {now.calendar: Thresholds(intervals, self._unturned)}
        return self._lines[now.calendar]


class DistancesColumn(Column):
    """Moments by their distance from now, below zero where they are past."""

    follows_clock = True

    def __init__(self, wanted: Sequence[Wanted], everyone: int, *, of_days: bool) -> None:
        super().__init__(wanted, everyone)
        intervals = [(distance(each.condition), each.rule) for each in wanted]
        self._line = Thresholds(intervals, self._unturned)
        self._moments: type[Line] = DayLine if of_days else InstantLine

    def left_of(self, value: object, now: Now) -> int:
        if not isinstance(value, datetime):
            return self._unturned
        return self._line.at(self._line.place(self._distance(value, now)))

    def _distance(self, element: datetime, now: Now) -> timedelta:
        return self._moments(now.calendar).instant(element) - now.at

    def turns_at(self, stored: object, now: Now, live: int) -> datetime | None:
        found: list[timedelta] = []
        for each in elements(stored):
            if isinstance(each, datetime):
                away = self._distance(each, now)
                threshold = self._line.passed(self._line.place(away), live)
                if threshold is not None:
                    found.append(away - threshold)
        if not found:
            return None
        # A threshold is passed when the distance is less.
        passes = min(found) + MILLISECOND
        return NEVER if passes > NEVER - now.at else cut(now.at + passes)
