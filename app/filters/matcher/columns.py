"""All the conditions on one field that can be looked up together, for every rule at once.

In a column each rule stands at most once. A value turns the conditions that hold of it; whoever
wants one that is not turned, or wants one not to hold that is, falls. Where a list is stored, each
of its elements turns what it meets.
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
        positive = vector([each.rule for each in wanted if each.holds])
        # Who is left where nothing turns.
        self._unturned = everyone ^ positive

    def left(self, stored: object, now: Now) -> int:
        """Whom a stored value leaves; None stands for a missing one."""
        if stored is None:
            return self._unturned
        if not isinstance(stored, list):
            return self._unturned ^ self.turned(stored, now)
        met = 0
        for element in elements(stored):
            met |= self.turned(element, now)
        return self._unturned ^ met

    def turned(self, element: object, now: Now) -> int:
        """The rules of the conditions that hold of a single value."""
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

    def turned(self, element: object, now: Now) -> int:
        # What can't be hashed, an object for one, is equal to no scalar.
        if not isinstance(element, str | Hashable):
            return 0
        found = self._turns.get(self._key(element))
        return 0 if found is None else turned(0, found)


class NumbersColumn(Column):
    """More and less, and between."""

    def __init__(self, wanted: Sequence[Wanted], everyone: int) -> None:
        super().__init__(wanted, everyone)
        self._line = Thresholds([(numbers(each.condition), [each.rule]) for each in wanted])

    def left(self, stored: object, now: Now) -> int:
        return super().left(stored, now) if isinstance(stored, list) else self.left_of(stored)

    def left_of(self, number: object) -> int:
        """Whom a single value leaves; None stands for a missing one."""
        return self._unturned ^ self._turned(number)

    def turned(self, element: object, now: Now) -> int:
        return self._turned(element)

    def _turned(self, element: object) -> int:
        # NaN lies nowhere.
        if not is_number(element) or element != element:
            return 0
        return self._line.around(element)


class MomentsColumn(Column):
    """Moments that stay where they are: they lie among instants as the calendar has it."""

    def __init__(self, wanted: Sequence[Wanted], everyone: int) -> None:
        super().__init__(wanted, everyone)
        self._wanted = wanted
        self._lines: dict[Calendar, Thresholds] = {}

    def turned(self, element: object, now: Now) -> int:
        if not isinstance(element, datetime):
            return 0
        line = self._lines.get(now.calendar) or self._laid_out(now)
        return line.around(element)

    def _laid_out(self, now: Now) -> Thresholds:
        """Once for a calendar; only that one is kept."""
        line = Thresholds(
            [
                (interval, [each.rule])
                for each in self._wanted
                for interval in moments(each.condition, now)
            ]
        )
        self._lines = {now.calendar: line}
        return line


class DistancesColumn(Column):
    """Moments by their distance from now, below zero where they are past."""

    follows_clock = True

    def __init__(self, wanted: Sequence[Wanted], everyone: int, *, of_days: bool) -> None:
        super().__init__(wanted, everyone)
        self._line = Thresholds([(distance(each.condition), [each.rule]) for each in wanted])
        self._moments: type[Line] = DayLine if of_days else InstantLine

    def turned(self, element: object, now: Now) -> int:
        if not isinstance(element, datetime):
            return 0
        return self._line.around(self._distance(element, now))

    def _distance(self, element: datetime, now: Now) -> timedelta:
        return self._moments(now.calendar).instant(element) - now.at

    def turns_at(self, stored: object, now: Now, live: int) -> datetime | None:
        found = (
            self._element_turns(each, now, live)
            for each in elements(stored)
            if isinstance(each, datetime)
        )
        return min((at for at in found if at is not None), default=None)

    def _element_turns(self, element: datetime, now: Now, live: int) -> datetime | None:
        away = self._distance(element, now)
        place = next(self._line.below(self._line.place(away), live), None)
        if place is None:
            return None
        # All ends lie right at a threshold: it is passed when the distance is less.
        passes = away - self._line.values[place // 2] + MILLISECOND
        return NEVER if passes > NEVER - now.at else cut(now.at + passes)
