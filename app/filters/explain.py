"""Why a filter holds of a customer, or does not: condition by condition."""

from datetime import datetime
from typing import Any, assert_never

from app.filters.evaluate import Evaluation, Facts
from app.filters.fields import AttributeType, Field
from app.filters.tree import (
    AllOf,
    AnyOf,
    AttributeCondition,
    EventCondition,
    Filter,
    Listed,
    Member,
    Nested,
    NoneOf,
)
from app.filters.wording import text


def explain(filter_: Filter, evaluation: Evaluation) -> dict[str, Any]:
    """The filter's own shape: of each group its branches, of each condition what was wanted and
    what the customer has (None where it is missing), and of both whether they hold. A segment
    inside it is explained where it stands first."""
    return _Explanation(evaluation).of(filter_)


class _Explanation:
    def __init__(self, evaluation: Evaluation) -> None:
        self._evaluation = evaluation
        self._explained: set[Nested] = set()

    def of(self, filter_: Filter) -> dict[str, Any]:
        answer: dict[str, Any] = {"holds": self._evaluation.holds(filter_)}
        match filter_:
            case AllOf(branches):
                return {**answer, "all": [self.of(branch) for branch in branches]}
            case AnyOf(branches):
                return {**answer, "any": [self.of(branch) for branch in branches]}
            case NoneOf(branches):
                return {**answer, "none": [self.of(branch) for branch in branches]}
            case AttributeCondition(field):
                has = _shown(field, self._evaluation.facts)
            case EventCondition(measure):
                has = self._evaluation.measured(measure)
            case Listed():
                has = answer["holds"]
            case Member(segment):
                has = self._evaluation.holds(segment.tree)
                if segment not in self._explained:
                    self._explained.add(segment)
                    answer["segment"] = self.of(segment.tree)
            case _:
                assert_never(filter_)
        return {**answer, "wanted": text(filter_), "has": has}


def _shown(field: Field, facts: Facts) -> Any:
    """What is stored at the field, a day as a day."""
    stored = field.read(facts.document)
    if field.type is not AttributeType.DATE:
        return stored
    values = stored if isinstance(stored, list) else [stored]
    days = [v.date().isoformat() if isinstance(v, datetime) else v for v in values]
    return days if isinstance(stored, list) else days[0]
