"""Explains, condition by condition, why a filter holds for a customer or does not."""

from datetime import datetime
from typing import Any, assert_never

from app.filters.descriptions import describe
from app.filters.evaluate import CustomerFacts, Evaluation
from app.filters.fields import AttributeType, Field
from app.filters.tree import (
    AllOf,
    AnyOf,
    AttributeCondition,
    EventCondition,
    Filter,
    NestedSegment,
    NoneOf,
    SegmentCondition,
    StaticMemberCondition,
)


def explain(filter_: Filter, evaluation: Evaluation) -> dict[str, Any]:
    """The explanation as JSON in the shape of the filter.

    Each node has `holds`. A group has its branches under "all", "any" or "none"; a condition has
    `wanted`, its description, and `has`, the customer's value (None if it is missing). The
    first reference to a nested segment includes the explanation of its filter.
    """
    return _Explainer(evaluation).explain(filter_)


class _Explainer:
    def __init__(self, evaluation: Evaluation) -> None:
        self._evaluation = evaluation
        self._explained: set[NestedSegment] = set()

    def explain(self, filter_: Filter) -> dict[str, Any]:
        explanation: dict[str, Any] = {"holds": self._evaluation.holds(filter_)}
        match filter_:
            case AllOf(branches):
                return {**explanation, "all": [self.explain(branch) for branch in branches]}
            case AnyOf(branches):
                return {**explanation, "any": [self.explain(branch) for branch in branches]}
            case NoneOf(branches):
                return {**explanation, "none": [self.explain(branch) for branch in branches]}
            case AttributeCondition(field):
                actual = _displayed_value(field, self._evaluation.facts)
            case EventCondition(measure):
                actual = self._evaluation.compute_measure(measure)
            case StaticMemberCondition():
                actual = explanation["holds"]
            case SegmentCondition(segment):
                actual = self._evaluation.holds(segment.tree)
                if segment not in self._explained:
                    self._explained.add(segment)
                    explanation["segment"] = self.explain(segment.tree)
            case _:
                assert_never(filter_)
        return {**explanation, "wanted": describe(filter_), "has": actual}


def _displayed_value(field: Field, facts: CustomerFacts) -> Any:
    """The stored value; days of a DATE field as YYYY-MM-DD."""
    stored = field.read(facts.document)
    if field.type is not AttributeType.DATE:
        return stored
    values = stored if isinstance(stored, list) else [stored]
    days = [value.date().isoformat() if isinstance(value, datetime) else value for value in values]
    return days if isinstance(stored, list) else days[0]
