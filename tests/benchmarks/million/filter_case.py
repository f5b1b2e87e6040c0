"""A filter of the benchmark: in the filter language, and as handwritten plans."""

from dataclasses import dataclass
from typing import Any

from tests.benchmarks.million.handwritten_plans import MembershipSteps, Plan

Wire = dict[str, Any]


@dataclass(frozen=True)
class FilterCase:
    """A filter, plans for its members, and the steps of a membership query."""

    name: str
    description: str
    filter: Wire
    plans: list[Plan]
    membership_steps: MembershipSteps | None = None


def attribute(path: str, operator: str, value: Any, **parameters: Any) -> Wire:
    return {"attribute": {"path": path, "operator": operator, "value": value, **parameters}}


def event(name: str, minimum: Any, days: int | None = None, **parameters: Any) -> Wire:
    """Returns an event condition: at least `minimum`, unless the parameters set another
    operator."""
    within = {} if days is None else {"within": {"last": f"P{days}D"}}
    condition = {"operator": "GREATER_THAN_OR_EQUAL", "value": minimum, **parameters}
    return {"event": {"name": name, **within, **condition}}
