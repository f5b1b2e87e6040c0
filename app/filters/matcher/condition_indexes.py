"""All the conditions on one field that can be looked up together, for every rule at once.

In a column each rule stands at most once. Of a missing value no condition holds: whoever wants one
is not left. A value turns the rules of the conditions that hold of it; where a list is stored, so
does each of its elements.
"""

from collections import defaultdict
from collections.abc import Hashable, Sequence
from datetime import datetime, timedelta
from typing import ClassVar, NamedTuple

from app.filters.calendar import (
    MILLISECOND,
    Calendar,
    DayOrdering,
    InstantOrdering,
    Now,
    Ordering,
    truncate_to_milliseconds,
)
from app.filters.fields import is_number
from app.filters.matcher.bitmaps import BitFlips, flip_bits, to_bit_flips, to_bitmap
from app.filters.matcher.index_kinds import (
    IndexableCondition,
    equality_values,
    number_interval,
    offset_interval,
    time_intervals,
)
from app.filters.matcher.interval_index import IntervalIndex
from app.filters.operators import Operand
from app.filters.operators.operator import elements
from app.filters.operators.window_changes import NEVER

# Text is told at a glance.
_HASHABLE_TYPES = (str, Hashable)


class RuleLiteral(NamedTuple):
    """A rule wants a condition to hold, or not to."""

    rule_bit: int
    condition: IndexableCondition
    expected: bool


class ConditionIndex:
    """The conditions of one field that are looked up in one way."""

    is_time_dependent: ClassVar[bool] = False

    def __init__(self, literals: Sequence[RuleLiteral], all_rules: int) -> None:
        self.dependent_rules = to_bitmap([literal.rule_bit for literal in literals])
        # Who is left where nothing turns.
        self._default_bitmap = all_rules ^ to_bitmap(
            [literal.rule_bit for literal in literals if literal.expected]
        )

    def evaluate(self, stored: object, now: Now) -> int:
        """Whom a stored value leaves; None stands for a missing one."""
        if not isinstance(stored, list):
            return self.evaluate_value(stored, now)
        flipped = 0
        for element in elements(stored):
            flipped |= self._default_bitmap ^ self.evaluate_value(element, now)
        return self._default_bitmap ^ flipped

    def evaluate_value(self, value: object, now: Now) -> int:
        """The same of a single value."""
        raise NotImplementedError

    def next_change(self, stored: object, now: Now, live_rules: int) -> datetime | None:
        """The next instant, however far, at which one of the live rules' conditions may turn by the
        passing of time."""
        return None


class EqualityIndex(ConditionIndex):
    """The same value, or one of several; with or without regard to case."""

    def __init__(self, literals: Sequence[RuleLiteral], all_rules: int, ignore_case: bool) -> None:
        super().__init__(literals, all_rules)
        rule_bits_by_key: defaultdict[object, list[int]] = defaultdict(list)
        for literal in literals:
            for key in {
                *map(literal.condition.operand.equality_key, equality_values(literal.condition))
            }:
                rule_bits_by_key[key].append(literal.rule_bit)
        self._flips_by_key: dict[object, BitFlips] = {
            key: to_bit_flips(rule_bits) for key, rule_bits in rule_bits_by_key.items()
        }
        self._equality_key = Operand(ignore_case=ignore_case).equality_key

    def evaluate_value(self, value: object, now: Now) -> int:
        # What can't be hashed, an object for one, is equal to no scalar.
        if not isinstance(value, _HASHABLE_TYPES):
            return self._default_bitmap
        flips = self._flips_by_key.get(self._equality_key(value))
        return self._default_bitmap if flips is None else flip_bits(self._default_bitmap, flips)


class NumberRangeIndex(ConditionIndex):
    """More and less, and between."""

    def __init__(self, literals: Sequence[RuleLiteral], all_rules: int) -> None:
        super().__init__(literals, all_rules)
        intervals = [(number_interval(literal.condition), literal.rule_bit) for literal in literals]
        self._intervals = IntervalIndex(intervals, self._default_bitmap)

    def evaluate_value(self, value: object, now: Now | None = None) -> int:
        return self.evaluate_bucket(self.find_bucket(value))

    def find_bucket(self, value: object) -> int:
        """Where a value lies among the thresholds; below 0 where it lies nowhere, as NaN."""
        if not is_number(value) or value != value:
            return -1
        return self._intervals.find_bucket(value)

    def evaluate_bucket(self, bucket: int) -> int:
        """Whom the values leave that lie there."""
        return self._default_bitmap if bucket < 0 else self._intervals.bitmap_of(bucket)


class TimeRangeIndex(ConditionIndex):
    """Moments that stay where they are: they lie among instants as the calendar has it."""

    def __init__(self, literals: Sequence[RuleLiteral], all_rules: int) -> None:
        super().__init__(literals, all_rules)
        self._literals = literals
        self._intervals_by_calendar: dict[Calendar, IntervalIndex] = {}

    def evaluate_value(self, value: object, now: Now) -> int:
        if not isinstance(value, datetime):
            return self._default_bitmap
        intervals = self._intervals_by_calendar.get(now.calendar) or self._build_intervals(now)
        return intervals.bitmap_of(intervals.find_bucket(value))

    def _build_intervals(self, now: Now) -> IntervalIndex:
        """Once for a calendar; only that one is kept."""
        intervals = [
            (interval, literal.rule_bit)
            for literal in self._literals
            for interval in time_intervals(literal.condition, now)
        ]
        self._intervals_by_calendar = {now.calendar: IntervalIndex(intervals, self._default_bitmap)}
        return self._intervals_by_calendar[now.calendar]


class TimeOffsetIndex(ConditionIndex):
    """Moments by their distance from now, below zero where they are past."""

    is_time_dependent = True

    def __init__(
        self, literals: Sequence[RuleLiteral], all_rules: int, *, holds_dates: bool
    ) -> None:
        super().__init__(literals, all_rules)
        intervals = [(offset_interval(literal.condition), literal.rule_bit) for literal in literals]
        self._intervals = IntervalIndex(intervals, self._default_bitmap)
        self._ordering_type: type[Ordering] = DayOrdering if holds_dates else InstantOrdering

    def evaluate_value(self, value: object, now: Now) -> int:
        if not isinstance(value, datetime):
            return self._default_bitmap
        return self._intervals.bitmap_of(
            self._intervals.find_bucket(self._offset_from_now(value, now))
        )

    def _offset_from_now(self, value: datetime, now: Now) -> timedelta:
        return self._ordering_type(now.calendar).to_instant(value) - now.at

    def next_change(self, stored: object, now: Now, live_rules: int) -> datetime | None:
        delays: list[timedelta] = []
        for value in elements(stored):
            if isinstance(value, datetime):
                offset = self._offset_from_now(value, now)
                threshold = self._intervals.find_threshold_below(
                    self._intervals.find_bucket(offset), live_rules
                )
                if threshold is not None:
                    delays.append(offset - threshold)
        if not delays:
            return None
        # A threshold is passed when the distance is less.
        next_delay = min(delays) + MILLISECOND
        return (
            NEVER if next_delay > NEVER - now.at else truncate_to_milliseconds(now.at + next_delay)
        )
