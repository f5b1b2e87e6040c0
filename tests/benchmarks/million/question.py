"""A question: in the words of the filter language, and as an expert writes it by hand."""

from dataclasses import dataclass
from typing import Any

from tests.benchmarks.million.by_hand import Steps, Way

Wire = dict[str, Any]


@dataclass(frozen=True)
class Question:
    """A filter; the ways to its members, and the steps to one person's membership."""

    name: str
    words: str
    filter: Wire
    ways: list[Way]
    steps: Steps | None = None


def attribute(path: str, operator: str, value: Any, **more: Any) -> Wire:
    return {"attribute": {"path": path, "operator": operator, "value": value, **more}}


def event(name: str, value: Any, days: int | None = None, **more: Any) -> Wire:
    """At least so many, or so much, unless `more` says otherwise."""
    within = {} if days is None else {"within": {"last": f"P{days}D"}}
    condition = {"operator": "GREATER_THAN_OR_EQUAL", "value": value, **more}
    return {"event": {"name": name, **within, **condition}}
