"""When the passing of time alone changes an answer, the facts being what they are.

Each part of a filter has a course: its answer at `now`, and the instants at which that turns. Those
of the leaves come from the operators themselves; those of groups are merged from their branches'.
All of it is lazy: of a course no more is worked out than is asked for.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from heapq import merge
from itertools import chain, cycle, groupby, repeat, tee
from operator import itemgetter
from typing import NamedTuple, assert_never

from app.filters.calendar import Now, anniversary, cut
from app.filters.evaluate import (
    Document,
    Evaluation,
    Facts,
    asked,
    holds,
    own_rows,
    passing,
)
from app.filters.running import Tally
from app.filters.tree import (
    AllOf,
    AnyOf,
    AttributeCondition,
    EventCondition,
    Filter,
    Last,
    Listed,
    Measure,
    Member,
    Nested,
    NoneOf,
)

YEARS_AHEAD = 10


def changes_at(filter_: Filter, facts: Facts, now: Now) -> datetime | None:
    """The first millisecond at which the filter's answer is no longer that at `now`; None where
    it stays for ten years.

    The facts hold the rows of `measuring.rows_ahead`. With n values in an array, or n rows of a
    measure, a condition costs in the order of n log n, however often its answer turns before the
    filter's does (a value that comes round each year turns up to ten times). Only sums beyond what
    a double can hold cost more: they are added up anew, and refused where that is too much.
    """
    found = next(Search(facts, now, horizon(now)).course(filter_).flips, None)
    return None if found is None else cut(found)


def horizon(now: Now) -> datetime:
    """The last instant that is looked at: the same date and time, ten years on."""
    day = now.at.date()
    return datetime.combine(anniversary(day, day.year + YEARS_AHEAD), now.at.timetz())


class Course(NamedTuple):
    """Whether something holds at `now`, and the instants after it, in order, at which it begins
    to or ceases to."""

    holds: bool
    flips: Iterator[datetime]


_Step = tuple[datetime, int, int]
"""At an instant the row at a place comes to lack so much more, or less."""


@dataclass(frozen=True)
class Search:
    """Follows what is known of one customer from one instant until another."""

    facts: Facts
    now: Now
    until: datetime
    _segments: dict[Nested, Course] = field(default_factory=dict)

    def course(self, filter_: Filter) -> Course:
        match filter_:
            case AllOf(branches):
                return _all(self.course(branch) for branch in branches)
            case AnyOf(branches):
                return _not(_all(_not(self.course(branch)) for branch in branches))
            case NoneOf(branches):
                return _all(_not(self.course(branch)) for branch in branches)
            case AttributeCondition():
                return self._attribute(filter_, self.facts.document)
            case EventCondition():
                return self._event(filter_)
            case Listed():
                return Course(holds(filter_, self.facts, self.now), iter(()))
            case Member(segment, member):
                course = self._segment(segment)
                return course if member else _not(course)
            case _:
                assert_never(filter_)

    def _segment(self, segment: Nested) -> Course:
        """Followed once, however often the segment stands in the filter."""
        course = self._segments.get(segment) or self.course(segment.tree)
        flips, kept = tee(course.flips)
        self._segments[segment] = course._replace(flips=kept)
        return course._replace(flips=flips)

    def _attribute(self, condition: AttributeCondition, document: Document) -> Course:
        stored, operator = condition.field.read(document), condition.operator
        return Course(
            asked(operator, stored, condition.operand, self.now),
            operator.flips(stored, condition.operand, self.now, self.until),
        )

    def _event(self, condition: EventCondition) -> Course:
        measure, operator, operand = condition.measure, condition.operator, condition.operand
        value = Evaluation(self.facts, self.now).measured(measure)
        held = asked(operator, value, operand, self.now)

        def flips(before: bool) -> Iterator[datetime]:
            for at, value in self.values(measure):
                if asked(operator, value, operand, self.now) != before:
                    before = not before
                    yield at

        return Course(held, flips(held))

    def values(self, measure: Measure) -> Iterator[tuple[datetime, int | float | None]]:
        """The instants after `now` that may change the measure, with what it comes to then."""
        if measure.steady is measure:
            return iter(())
        history = self.facts.history(measure, self.now)
        if history is not None and history.rows(measure) is None:
            return history.values(measure, self.now, self.until)
        return self.values_of(measure, own_rows(measure, self.facts, self.now))

    def values_of(
        self, measure: Measure, rows: Sequence[Document]
    ) -> Iterator[tuple[datetime, int | float | None]]:
        """The same of the measure of these rows of its source."""
        if measure.steady is measure:
            return
        rows = passing(measure.steady, rows, self.now)
        # Of each row, how much it lacks of being one that the measure is taken of.
        lacking = [0] * len(rows)
        steps = merge(*[*self._steps(measure, rows, lacking)])
        first = next(steps, None)
        if first is None:
            return
        tally = Tally(measure, rows, [not lack for lack in lacking])
        for at, together in groupby(chain([first], steps), key=itemgetter(0)):
            for _, place, step in together:
                lack = lacking[place]
                lacking[place] += step
                if not (lack and lacking[place]):
                    tally.turn(place)
            yield at, tally.value

    def _steps(
        self, measure: Measure, rows: Sequence[Document], lacking: list[int]
    ) -> Iterator[Iterable[_Step]]:
        """How the rows come to lack more and less after `now`; notes what they lack at first."""
        if isinstance(measure.window, Last):
            yield self._passage(measure.window, rows, lacking)
        for where in measure.where:
            if where.operator.follows_clock:
                for place, row in enumerate(rows):
                    course = self._attribute(where, row)
                    lacking[place] += not course.holds
                    signs = cycle((1, -1) if course.holds else (-1, 1))
                    yield zip(course.flips, repeat(place), signs)

    def _passage(
        self, window: Last, rows: Sequence[Document], lacking: list[int]
    ) -> Sequence[_Step]:
        """The same of the window alone."""
        now, steps = self.now.at, []
        for place, row in enumerate(rows):
            start = row["at"]
            if start > self.until:
                lacking[place] += 1
                continue
            end = start + window.length
            if not start <= now < end:
                lacking[place] += 1
            if start > now:
                steps.append((start, place, -1))
            if now < end <= self.until:
                steps.append((end, place, 1))
        return sorted(steps)


def _not(course: Course) -> Course:
    return Course(not course.holds, course.flips)


def _all(courses: Iterable[Course]) -> Course:
    """Holds while each of the courses does."""
    courses = list(courses)
    if len(courses) == 1:
        return courses[0]
    return Course(all(course.holds for course in courses), _flips_of_all(courses))


def _flips_of_all(courses: Sequence[Course]) -> Iterator[datetime]:
    holding = [course.holds for course in courses]
    missing = holding.count(False)
    for at, turned in _together([course.flips for course in courses]):
        before = missing
        for index in turned:
            holding[index] = not holding[index]
            missing += -1 if holding[index] else 1
        if (missing == 0) != (before == 0):
            yield at


def _together(flips: Sequence[Iterator[datetime]]) -> Iterator[tuple[datetime, list[int]]]:
    """The instants in order, each with the places of all in the sequence that turn at it."""
    turns = merge(*(zip(each, repeat(place)) for place, each in enumerate(flips)))
    for at, together in groupby(turns, key=itemgetter(0)):
        yield at, [place for _, place in together]
