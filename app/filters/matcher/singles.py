"""Conditions that no table tells: each is judged by itself, for all who want it at once."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Generic, NamedTuple, TypeVar

from app.errors import Refused
from app.filters.calendar import MILLISECOND, Calendar, Now, cut
from app.filters.evaluate import Document, Evaluation, asked
from app.filters.flips import Search, horizon
from app.filters.matcher.clock import follows_clock
from app.filters.matcher.vectors import vector
from app.filters.operators.operator import elements
from app.filters.tree import AttributeCondition, Member
from app.filters.walk import Condition

# Of so many values the answers are kept. Days come again and again: a century has 36,525.
_MOST_KEPT = 40_000

Part = TypeVar("Part", AttributeCondition, Member)


class Single(Generic[Part]):
    """A condition with the rules that want it to hold, and those that want it not to."""

    follows_clock = False

    def __init__(self, part: Part, wanted: Sequence[int], unwanted: Sequence[int]) -> None:
        self.part: Part = part
        self.mentions = vector([*wanted, *unwanted])
        # Who falls where it does not hold, and where it does. There may be as many singles as
        # filters: those that are wanted in one way only keep one vector.
        one_way = (self.mentions, 0) if wanted else (0, self.mentions)
        self._falls = (vector(wanted), vector(unwanted)) if wanted and unwanted else one_way

    def left(self, left: int, evaluation: Evaluation) -> int:
        """Who is left of some rules."""
        return left ^ left & self._falls[self.holds(evaluation)]

    def holds(self, evaluation: Evaluation) -> bool:
        raise NotImplementedError

    def turns_at(self, search: Search) -> datetime | None:
        """The first instant of the search at which the answer turns."""
        return None


class Whole(Single[Member]):
    """A segment inside others, judged as a whole."""

    def __init__(self, part: Member, *rules: Any) -> None:
        super().__init__(part, *rules)
        self.follows_clock = follows_clock(part)

    def holds(self, evaluation: Evaluation) -> bool:
        return evaluation.holds(self.part)

    def turns_at(self, search: Search) -> datetime | None:
        try:
            turns = next(search.course(self.part).flips, None)
        except Refused:
            # Too much to be told at once: nothing is known of later.
            return search.now.at + MILLISECOND
        return None if turns is None else cut(turns)


class Attribute(Single[AttributeCondition]):
    """One on an attribute, that does not follow the clock."""

    def holds(self, evaluation: Evaluation) -> bool:
        part = self.part
        stored = part.field.read(evaluation.facts.document)
        return asked(part.operator, stored, part.operand, evaluation.now)


class _Answer(NamedTuple):
    """What has been found out of a value: since when it holds or does not, and until when. It turns
    then, or is not looked at any further; None where it never turns."""

    since: datetime
    until: datetime | None
    holds: bool


class ClockAttribute(Single[AttributeCondition]):
    """One that follows the clock. The answer about a value is kept until it turns."""

    follows_clock = True

    def __init__(self, part: AttributeCondition, *rules: Any) -> None:
        super().__init__(part, *rules)
        self._calendar: Calendar | None = None
        self._kept: dict[object, _Answer] = {}

    def holds(self, evaluation: Evaluation) -> bool:
        return self._answer(evaluation.facts.document, evaluation.now).holds

    def turns_at(self, search: Search) -> datetime | None:
        return self._answer(search.facts.document, search.now).until

    def _answer(self, document: Document, now: Now) -> _Answer:
        stored = self.part.field.read(document)
        # Of several values, and of what is none, nothing is kept.
        if not isinstance(stored, datetime):
            return self._found(stored, now)
        if now.calendar is not self._calendar or len(self._kept) > _MOST_KEPT:
            self._kept, self._calendar = {}, now.calendar
        kept = self._kept.get(stored)
        if kept is None or not (kept.since <= now.at and kept.until and now.at < kept.until):
            kept = self._kept[stored] = self._found(stored, now)
        return kept

    def _found(self, stored: object, now: Now) -> _Answer:
        operator, operand, last = self.part.operator, self.part.operand, horizon(now)
        holds = asked(operator, stored, operand, now)
        if not any(isinstance(element, datetime) for element in elements(stored)):
            return _Answer(now.at, None, holds)
        turns = next(operator.flips(stored, operand, now, last), last)
        return _Answer(now.at, cut(turns), holds)


def single(part: Condition, wanted: Sequence[int], unwanted: Sequence[int]) -> Single[Any]:
    """The condition, which negates no other, in the way that suits it."""
    if isinstance(part, Member):
        return Whole(part, wanted, unwanted)
    assert isinstance(part, AttributeCondition)
    kind = ClockAttribute if part.operator.follows_clock else Attribute
    return kind(part, wanted, unwanted)
