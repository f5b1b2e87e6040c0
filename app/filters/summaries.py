"""What the summary in a customer's document says of its events, so that the rows need no look.

The summary knows how many events of a name there are, and when the first and the last one was. It
knows nothing of a moment between the two: a reader whose clock stands before a customer's last
event is in doubt, and looks at the rows of those few.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from app.filters.calendar import Now
from app.filters.evaluate import Facts, holds
from app.filters.fields import AttributeType, Field, activity
from app.filters.operators import BY_NAME, Operand
from app.filters.sources import Source
from app.filters.tree import (
    AllOf,
    AnyOf,
    AttributeCondition,
    EventCondition,
    Filter,
    Last,
    Listed,
    Member,
    Nested,
    NoneOf,
)
from app.filters.values import LARGEST_LONG


@dataclass(frozen=True)
class Summarized:
    """A filter that asks of summaries instead of rows where it can.

    Whoever meets `sure` meets the filter. Of the others only those may who have rows of these
    sources after the instant of the question: they are in doubt.
    """

    sure: Filter
    in_doubt: tuple[Source, ...]


def summarized(filter_: Filter, now: Now) -> Summarized:
    """The filter with its events looked up in the summaries."""
    said = _Summaries(now)
    sure = said.sure(filter_, wanted=True)
    return Summarized(sure, tuple(said.doubts))


def likely(condition: EventCondition, now: Now) -> list[Filter]:
    """What the summary says of everybody of whom the condition holds; nothing where it may hold
    without any events."""
    if _of_number(condition, 0, now):
        return []
    name, window = condition.measure.source.name, condition.measure.window
    if window is None:
        at_least_one = Operand(1, AttributeType.NUMBER, scalar=True, indexed=True)
        count = _known(name, "count")
        return [AttributeCondition(count, BY_NAME["GREATER_THAN_OR_EQUAL"], at_least_one)]
    if isinstance(window, Last):
        return [_at(name, "lastAt", "AFTER", now.at - window.length)]
    return [
        _at(name, "lastAt", "ON_OR_AFTER", window.start),
        _at(name, "firstAt", "ON_OR_BEFORE", window.end),
    ]


def with_counts(filter_: Filter) -> Filter:
    """The filter with its counts of all events of a name read from the summaries, which is exact
    for one state of a customer's data."""
    return _Counts().of(filter_)


class _Counts:
    def __init__(self) -> None:
        self._nested: dict[Nested, Nested] = {}

    def of(self, filter_: Filter) -> Filter:
        match filter_:
            case AllOf(branches):
                return AllOf(tuple(map(self.of, branches)))
            case AnyOf(branches):
                return AnyOf(tuple(map(self.of, branches)))
            case NoneOf(branches):
                return NoneOf(tuple(map(self.of, branches)))
            case EventCondition(measure):
                return _counted(filter_) if measure.is_count_of_all else filter_
            case Member(segment, member):
                return Member(self._segment(segment), member)
            case AttributeCondition() | Listed():
                return filter_
            case _:
                assert_never(filter_)

    def _segment(self, segment: Nested) -> Nested:
        if segment not in self._nested:
            self._nested[segment] = Nested(segment.id, segment.name, self.of(segment.tree))
        return self._nested[segment]


class _Summaries:
    def __init__(self, now: Now) -> None:
        self._now = now
        self._nested: dict[tuple[Nested, bool], Nested] = {}
        self.doubts: dict[Source, None] = {}

    def sure(self, filter_: Filter, *, wanted: bool) -> Filter:
        """A filter that asks of summaries: wanted, it holds only where the filter does; not wanted,
        it fails only where the filter does."""
        match filter_:
            case AllOf(branches):
                return AllOf(tuple(self.sure(branch, wanted=wanted) for branch in branches))
            case AnyOf(branches):
                return AnyOf(tuple(self.sure(branch, wanted=wanted) for branch in branches))
            case NoneOf(branches):
                return NoneOf(tuple(self.sure(branch, wanted=not wanted) for branch in branches))
            case EventCondition():
                return self._event(filter_, wanted)
            case Member(segment, member):
                return Member(self._segment(segment, wanted is member), member)
            case AttributeCondition() | Listed():
                return filter_
            case _:
                assert_never(filter_)

    def _segment(self, segment: Nested, wanted: bool) -> Nested:
        known = (segment, wanted)
        if known not in self._nested:
            tree = self.sure(segment.tree, wanted=wanted)
            self._nested[known] = Nested(segment.id, segment.name, tree)
        return self._nested[known]

    def _event(self, condition: EventCondition, wanted: bool) -> Filter:
        measure = condition.measure
        if measure.is_count_of_all:
            return _counted(condition)
        if measure.where or measure.aggregate is not None:
            return condition
        if not isinstance(measure.window, Last) or not _asks_whether_any(condition, self._now):
            return condition
        name = measure.source.name
        self.doubts[measure.source] = None
        since = _at(name, "lastAt", "AFTER", self._now.at - measure.window.length)
        until = _at(name, "lastAt", "ON_OR_BEFORE", self._now.at)
        if _of_number(condition, 0, self._now):
            return NoneOf((since if wanted else AllOf((since, until)),))
        return AllOf((since, until)) if wanted else since


def _counted(condition: EventCondition) -> Filter:
    """How many events there are in all: the summary counts them."""
    operand = condition.operand
    asked = Operand(operand.value, operand.type, scalar=True, indexed=True)
    count = _known(condition.measure.source.name, "count")
    return AttributeCondition(count, condition.operator, asked)


def _asks_whether_any(condition: EventCondition, now: Now) -> bool:
    """Whether it makes no difference how many there are, if there is one."""
    none = _of_number(condition, 0, now)
    return all(_of_number(condition, n, now) is not none for n in _numbers_told_apart(condition))


def _numbers_told_apart(condition: EventCondition) -> Iterator[int]:
    """Numbers of events, from one on, between which the answer can change at all."""
    value = condition.operand.value
    yield from (1, LARGEST_LONG)
    for bound in value if isinstance(value, tuple) else (value,):
        near = math.floor(bound)
        yield from (n for n in (near - 1, near, near + 1) if n >= 1)


def _of_number(condition: EventCondition, number: int, now: Now) -> bool:
    """Whether the condition holds of so many events; of none also where it asks of a property."""
    if not number:
        return holds(condition, Facts({}), now)
    count = _known(condition.measure.source.name, "count")
    asked = AttributeCondition(count, condition.operator, condition.operand)
    document: dict[str, object] = {count.stored[-1]: number}
    for key in reversed(count.stored[:-1]):
        document = {key: document}
    return holds(asked, Facts(document), now)


def _at(name: str, which: str, operator: str, moment: datetime) -> Filter:
    operand = Operand(moment, AttributeType.DATETIME, scalar=True, indexed=True)
    return AttributeCondition(_known(name, which), BY_NAME[operator], operand)


def _known(name: str, which: str) -> Field:
    field = activity(name, which)
    assert field is not None
    return field
