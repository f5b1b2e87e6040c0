"""A question: in the words of the filter language, and as an expert writes it by hand."""

from dataclasses import dataclass
from typing import Any

from tests.benchmarks.million.handwritten_plans import MembershipSteps, Plan

Wire = dict[str, Any]


@dataclass(frozen=True)
class FilterCase:
    """A filter; the ways to its members, and the steps to one person's membership."""

    name: str
    description: str
    filter: Wire
    plans: list[Plan]
    membership_steps: MembershipSteps | None = None


def attribute(path: str, operator: str, value: Any, **parameters: Any) -> Wire:
    return {"attribute": {"path": path, "operator": operator, "value": value, **parameters}}


def event(name: str, minimum: Any, days: int | None = None, **parameters: Any) -> Wire:
    """At least so many, or so much, unless `more` says otherwise."""
    within = {} if days is None else {"within": {"last": f"P{days}D"}}
    condition = {"operator": "GREATER_THAN_OR_EQUAL", "value": minimum, **parameters}
    return {"event": {"name": name, **within, **condition}}
