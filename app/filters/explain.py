"""Explains, condition by condition, why a filter holds for a customer or does not."""

from collections.abc import Callable, Iterable, Sequence
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
from app.worker_threads import raise_if_cancelled


def explain(
    filter_: Filter, evaluation: Evaluation, to_json: Callable[[object], Any]
) -> dict[str, Any]:
    """The explanation as JSON in the shape of the filter.

    Each node has `holds`. A group has its branches under "all", "any" or "none"; a condition has
    `wanted`, its description, and `has`, the customer's value (None if it is missing). The
    first reference to a nested segment includes the explanation of its filter.

    `to_json` converts a stored value. All explanations of an evaluation share the converted values,
    which may be large: treat them as read-only.
    """
    return _Explainer(evaluation, to_json).explain(filter_)


class _Explainer:
    def __init__(self, evaluation: Evaluation, to_json: Callable[[object], Any]) -> None:
        self._evaluation = evaluation
        self._to_json = to_json
        self._explained: set[NestedSegment] = set()

    def explain(self, filter_: Filter) -> dict[str, Any]:
        raise_if_cancelled()
        match filter_:
            case AllOf(branches):
                return self._explain_group("all", branches, all)
            case AnyOf(branches):
                return self._explain_group("any", branches, any)
            case NoneOf(branches):
                return self._explain_group("none", branches, lambda holds: not any(holds))
        explanation: dict[str, Any] = {"holds": self._evaluation.holds(filter_)}
        match filter_:
            case AttributeCondition(field):
                actual = self._displayed_value(field)
            case EventCondition(measure):
                actual = self._evaluation.compute_measure(measure)
            case StaticMemberCondition():
                actual = explanation["holds"]
            case SegmentCondition(segment, is_member):
                actual = explanation["holds"] is is_member
                if segment not in self._explained:
                    self._explained.add(segment)
                    explanation["segment"] = self.explain(segment.tree)
            case _:
                assert_never(filter_)
        return {**explanation, "wanted": describe(filter_), "has": actual}

    def _explain_group(
        self, name: str, branches: Sequence[Filter], combine: Callable[[Iterable[bool]], bool]
    ) -> dict[str, Any]:
        explanations = [self.explain(branch) for branch in branches]
        holds = combine(explanation["holds"] for explanation in explanations)
        return {"holds": holds, name: explanations}

    def _displayed_value(self, field: Field) -> Any:
        displayed_values = self._evaluation.displayed_values
        if field not in displayed_values:
            stored = _displayed_value(field, self._evaluation.facts)
            displayed_values[field] = self._to_json(stored)
        return displayed_values[field]


def _displayed_value(field: Field, facts: CustomerFacts) -> Any:
    """The stored value; days of a DATE field as YYYY-MM-DD."""
    stored = field.read(facts.document)
    if field.type is not AttributeType.DATE:
        return stored
    values = stored if isinstance(stored, list) else [stored]
    days = [value.date().isoformat() if isinstance(value, datetime) else value for value in values]
    return days if isinstance(stored, list) else days[0]
