"""Indexes that answer all conditions of one kind on one field, for every rule at once.

An index has at most one literal of each rule. It answers a stored value with a bitmap of the
remaining rules: those that the value does not exclude. No condition holds for a missing value, so
the default bitmap excludes each rule that expects its condition to hold. A value flips the bits of
the rules whose condition holds for it. For an array, each element does the same.
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
    OrderingClass,
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

# isinstance with Hashable is slow; str comes first because most values are text.
_HASHABLE_TYPES = (str, Hashable)


class RuleLiteral(NamedTuple):
    """A condition of a rule, and whether the rule expects it to hold or not to hold."""

    rule_bit: int
    condition: IndexableCondition
    expected: bool


class ConditionIndex:
    """Answers the conditions of one kind on one field.

    `dependent_rules` is the bitmap of the rules that have a condition in the index. `all_rules` is
    the bitmap of every rule.
    """

    is_time_dependent: ClassVar[bool] = False

    def __init__(self, literals: Sequence[RuleLiteral], all_rules: int) -> None:
        self.dependent_rules = to_bitmap([literal.rule_bit for literal in literals])
        # The remaining rules for a missing value.
        self._default_bitmap = all_rules ^ to_bitmap(
            [literal.rule_bit for literal in literals if literal.expected]
        )

    def evaluate(self, stored: object, now: Now) -> int:
        """The bitmap of the rules that a stored value does not exclude; None is a missing value."""
        if not isinstance(stored, list):
            return self.evaluate_value(stored, now)
        flipped = 0
        for element in elements(stored):
            flipped |= self._default_bitmap ^ self.evaluate_value(element, now)
        return self._default_bitmap ^ flipped

    def evaluate_value(self, value: object, now: Now) -> int:
        """The same as `evaluate`, for a single value or one element of an array."""
        raise NotImplementedError

    def next_change(self, stored: object, now: Now, live_rules: int) -> datetime | None:
        """The next instant at which the passing of time may change a condition of a live rule.

        The instant may be in the far future. Returns None if no condition will change.
        """
        return None


class EqualityIndex(ConditionIndex):
    """Answers IS and IN with a hash table."""

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
        # An unhashable value, such as an object, equals no scalar.
        if not isinstance(value, _HASHABLE_TYPES):
            return self._default_bitmap
        flips = self._flips_by_key.get(self._equality_key(value))
        return self._default_bitmap if flips is None else flip_bits(self._default_bitmap, flips)


class NumberRangeIndex(ConditionIndex):
    """Answers comparisons of numbers by bisection."""

    def __init__(self, literals: Sequence[RuleLiteral], all_rules: int) -> None:
        super().__init__(literals, all_rules)
        intervals = [(number_interval(literal.condition), literal.rule_bit) for literal in literals]
        self._intervals = IntervalIndex(intervals, self._default_bitmap)

    def evaluate_value(self, value: object, now: Now | None = None) -> int:
        return self.evaluate_bucket(self.find_bucket(value))

    def find_bucket(self, value: object) -> int:
        """The bucket of a value; negative if the value is not a number, or is NaN."""
        if not is_number(value) or value != value:
            return -1
        return self._intervals.find_bucket(value)

    def evaluate_bucket(self, bucket: int) -> int:
        """The bitmap of the rules that the values of a bucket do not exclude."""
        return self._default_bitmap if bucket < 0 else self._intervals.bitmap_of(bucket)


class TimeRangeIndex(ConditionIndex):
    """Answers comparisons of dates and datetimes with fixed instants or days, by bisection.

    The calendar's time zone decides which instants a day covers.
    """

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
        """Builds the intervals for the calendar, and drops those for any earlier calendar."""
        intervals = [
            (interval, literal.rule_bit)
            for literal in self._literals
            for interval in time_intervals(literal.condition, now)
        ]
        self._intervals_by_calendar = {now.calendar: IntervalIndex(intervals, self._default_bitmap)}
        return self._intervals_by_calendar[now.calendar]


class TimeOffsetIndex(ConditionIndex):
    """Answers conditions on the offset of a date or datetime from now, negative in the past."""

    is_time_dependent = True

    def __init__(
        self, literals: Sequence[RuleLiteral], all_rules: int, *, holds_dates: bool
    ) -> None:
        super().__init__(literals, all_rules)
        intervals = [(offset_interval(literal.condition), literal.rule_bit) for literal in literals]
        self._intervals = IntervalIndex(intervals, self._default_bitmap)
        self._ordering_type: OrderingClass = DayOrdering if holds_dates else InstantOrdering

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
        # The offset shrinks as time passes. The answer changes when it is below the threshold.
        next_delay = min(delays) + MILLISECOND
        return (
            NEVER if next_delay > NEVER - now.at else truncate_to_milliseconds(now.at + next_delay)
        )
