"""Conditions that no table tells: each is judged by itself, for all who want it at once."""

from collections.abc import Hashable, Sequence
from datetime import datetime
from typing import NamedTuple

from app.filters.calendar import Calendar, Now, cut
from app.filters.evaluate import Document, Evaluation, asked
from app.filters.flips import Search, horizon
from app.filters.matcher.clock import follows_clock
from app.filters.matcher.vectors import vector
from app.filters.tree import AttributeCondition
from app.filters.walk import Condition

# Of so many values the answers are kept. Days come again and again: a century has 36,525.
_MOST_KEPT = 40_000


class Single:
    """A condition with the rules that want it to hold, and those that want it not to."""

    follows_clock = False

    def __init__(self, part: Condition, wanted: Sequence[int], unwanted: Sequence[int]) -> None:
        self.part = part
        self._wanted, self._unwanted = vector(wanted), vector(unwanted)
        self.mentions = self._wanted | self._unwanted

    def fallen(self, evaluation: Evaluation) -> int:
        """The rules that do not hold because of it."""
        return self._unwanted if self.holds(evaluation) else self._wanted

    def holds(self, evaluation: Evaluation) -> bool:
        return evaluation.holds(self.part)

    def turns_at(self, search: Search) -> datetime | None:
        """The first instant of the search at which the answer turns."""
        turns = next(search.course(self.part).flips, None)
        return None if turns is None else cut(turns)


class ClockSingle(Single):
    """One whose answer the passing of time alone may change."""

    follows_clock = True


class _Answer(NamedTuple):
    """What has been found out of a value: since when it holds or does not, and until when; it turns
    then, or it was looked no further."""

    since: datetime
    until: datetime
    holds: bool
    turns: bool


class ClockAttribute(ClockSingle):
    """One on an attribute. The answer about a value is kept until it turns."""

    def __init__(
        self, part: AttributeCondition, wanted: Sequence[int], unwanted: Sequence[int]
    ) -> None:
        super().__init__(part, wanted, unwanted)
        self._asked = part
        self._calendar: Calendar | None = None
        self._kept: dict[object, _Answer] = {}

    def holds(self, evaluation: Evaluation) -> bool:
        return self._answer(evaluation.facts.document, evaluation.now).holds

    def turns_at(self, search: Search) -> datetime | None:
        answer = self._answer(search.facts.document, search.now)
        return answer.until if answer.turns else None

    def _answer(self, document: Document, now: Now) -> _Answer:
        stored = self._asked.field.read(document)
        if not isinstance(stored, Hashable):
            return self._found(stored, now)
        if now.calendar is not self._calendar or len(self._kept) > _MOST_KEPT:
            self._kept, self._calendar = {}, now.calendar
        # Python takes true for 1; no operator that follows the clock does, or holds of either.
        kept = self._kept.get(stored)
        if kept is None or not kept.since <= now.at < kept.until:
            kept = self._kept[stored] = self._found(stored, now)
        return kept

    def _found(self, stored: object, now: Now) -> _Answer:
        operator, operand = self._asked.operator, self._asked.operand
        until = horizon(now)
        turns = next(operator.flips(stored, operand, now, until), None)
        return _Answer(
            now.at,
            until if turns is None else cut(turns),
            asked(operator, stored, operand, now),
            turns is not None,
        )


def single(part: Condition, wanted: Sequence[int], unwanted: Sequence[int]) -> Single:
    """The condition, in the way that suits it."""
    if not follows_clock(part):
        return Single(part, wanted, unwanted)
    if isinstance(part, AttributeCondition):
        return ClockAttribute(part, wanted, unwanted)
    return ClockSingle(part, wanted, unwanted)
