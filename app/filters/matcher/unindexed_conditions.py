"""Conditions that no index answers. Each is evaluated once, for all rules that use it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Generic, NamedTuple, TypeVar

from app.errors import InputError
from app.filters.calendar import MILLISECOND, Calendar, Now, truncate_to_milliseconds
from app.filters.evaluate import Document, Evaluation, operator_holds
from app.filters.matcher.bitmaps import to_bitmap
from app.filters.matcher.time_dependence import is_time_dependent
from app.filters.next_change import ChangeSearch, horizon
from app.filters.operators.operator import elements
from app.filters.tree import AttributeCondition, SegmentCondition
from app.filters.walk import Condition

# Dates repeat between customers, and a century has 36,525 days.
_MAX_CACHED_ANSWERS = 40_000

AnyCondition = TypeVar("AnyCondition", AttributeCondition, SegmentCondition)


class UnindexedCondition(Generic[AnyCondition]):
    """A condition, with the rules that expect it to hold and the rules that expect it not to.

    `dependent_rules` is the bitmap of both.
    """

    is_time_dependent = False

    def __init__(
        self,
        condition: AnyCondition,
        requiring_rules: Sequence[int],
        excluding_rules: Sequence[int],
    ) -> None:
        self.condition: AnyCondition = condition
        self.dependent_rules = to_bitmap([*requiring_rules, *excluding_rules])
        # The rules to exclude if the condition does not hold, and if it does. There may be as many
        # conditions as filters: where all rules expect the same, one bitmap serves twice.
        if requiring_rules and excluding_rules:
            self._excluded_by_answer = to_bitmap(requiring_rules), to_bitmap(excluding_rules)
        elif requiring_rules:
            self._excluded_by_answer = self.dependent_rules, 0
        else:
            self._excluded_by_answer = 0, self.dependent_rules

    def apply(self, remaining: int, evaluation: Evaluation) -> int:
        """The remaining rules that the condition does not exclude."""
        return remaining ^ remaining & self._excluded_by_answer[self.holds(evaluation)]

    def holds(self, evaluation: Evaluation) -> bool:
        """Whether the condition holds for the customer of the evaluation."""
        raise NotImplementedError

    def next_change(self, search: ChangeSearch) -> datetime | None:
        """The first instant of the search at which the answer changes."""
        return None


class UnindexedSegment(UnindexedCondition[SegmentCondition]):
    """A nested segment, evaluated as a whole."""

    def __init__(self, condition: SegmentCondition, *rules: Any) -> None:
        super().__init__(condition, *rules)
        self.is_time_dependent = is_time_dependent(condition)

    def holds(self, evaluation: Evaluation) -> bool:
        return evaluation.holds(self.condition)

    def next_change(self, search: ChangeSearch) -> datetime | None:
        try:
            change_at = next(search.build_timeline(self.condition).changes, None)
        except InputError:
            # The search is too expensive. The next evaluation continues from here.
            return search.now.at + MILLISECOND
        return None if change_at is None else truncate_to_milliseconds(change_at)


class UnindexedAttribute(UnindexedCondition[AttributeCondition]):
    """A condition on an attribute that does not depend on time."""

    def holds(self, evaluation: Evaluation) -> bool:
        condition = self.condition
        stored = condition.field.read(evaluation.facts.document)
        return operator_holds(condition.operator, stored, condition.operand, evaluation.now)


class _CachedAnswer(NamedTuple):
    """The answer for a stored value, and when it is valid.

    At `valid_until` the answer changes, or the horizon of the search is reached; None if the answer
    never changes.
    """

    valid_from: datetime
    valid_until: datetime | None
    holds: bool


class TimeDependentAttribute(UnindexedCondition[AttributeCondition]):
    """A condition on an attribute that depends on time. Caches each value's answer until it
    changes."""

    is_time_dependent = True

    def __init__(self, condition: AttributeCondition, *rules: Any) -> None:
        super().__init__(condition, *rules)
        self._calendar: Calendar | None = None
        self._answers: dict[object, _CachedAnswer] = {}

    def holds(self, evaluation: Evaluation) -> bool:
        return self._get_answer(evaluation.facts.document, evaluation.now).holds

    def next_change(self, search: ChangeSearch) -> datetime | None:
        return self._get_answer(search.facts.document, search.now).valid_until

    def _get_answer(self, document: Document, now: Now) -> _CachedAnswer:
        stored = self.condition.field.read(document)
        # Arrays and values that are not datetimes are not cached.
        if not isinstance(stored, datetime):
            return self._compute_answer(stored, now)
        if now.calendar is not self._calendar or len(self._answers) > _MAX_CACHED_ANSWERS:
            self._answers, self._calendar = {}, now.calendar
        answer = self._answers.get(stored)
        if answer is None or not (
            answer.valid_from <= now.at and answer.valid_until and now.at < answer.valid_until
        ):
            answer = self._answers[stored] = self._compute_answer(stored, now)
        return answer

    def _compute_answer(self, stored: object, now: Now) -> _CachedAnswer:
        operator, operand = self.condition.operator, self.condition.operand
        horizon_at = horizon(now)
        holds = operator_holds(operator, stored, operand, now)
        if not any(isinstance(element, datetime) for element in elements(stored)):
            return _CachedAnswer(now.at, None, holds)
        change_at = next(operator.next_changes(stored, operand, now, horizon_at), horizon_at)
        return _CachedAnswer(now.at, truncate_to_milliseconds(change_at), holds)


def build_unindexed_condition(
    condition: Condition, requiring_rules: Sequence[int], excluding_rules: Sequence[int]
) -> UnindexedCondition[Any]:
    """Wraps the condition in the class that evaluates it.

    The condition is on an attribute or on a nested segment. Its operator must not be one that
    negates another.
    """
    if isinstance(condition, SegmentCondition):
        return UnindexedSegment(condition, requiring_rules, excluding_rules)
    assert isinstance(condition, AttributeCondition)
    condition_class = (
        TimeDependentAttribute if condition.operator.is_time_dependent else UnindexedAttribute
    )
    return condition_class(condition, requiring_rules, excluding_rules)
