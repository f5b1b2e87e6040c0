"""An explanation says what the filter says, and adds up."""

from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.filters import Evaluation, explain, holds, parse
from tests.filters.corpus import CATALOG, NOWS
from tests.filters.judge import Judge
from tests.filters.wire import Filters

Explanation = dict[str, Any]

_GROUPS: dict[str, Callable[[list[bool]], bool]] = {
    "all": all,
    "any": any,
    "none": lambda parts: not any(parts),
}


def _adds_up(explanation: Explanation) -> bool:
    """Whether each group holds just as its branches say."""
    for kind, of in _GROUPS.items():
        if kind in explanation:
            branches = explanation[kind]
            right = of([branch["holds"] for branch in branches])
            return explanation["holds"] is right and all(map(_adds_up, branches))
    if "segment" in explanation:
        inner = explanation["segment"]
        return explanation["has"] is inner["holds"] and _adds_up(inner)
    return {"holds", "wanted", "has"} == explanation.keys()


def test_explanations_add_up_to_the_answer(judge: Judge, filters: Filters) -> None:
    @settings(
        max_examples=200,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(
        filters.filters(), st.sampled_from(NOWS), st.sampled_from(list(judge.customers.values()))
    )
    def explained(wire: Any, now: Any, facts: Any) -> None:
        tree = parse(wire, CATALOG)
        explanation = explain(tree, Evaluation(facts, now))
        assert explanation["holds"] is holds(tree, facts, now)
        assert _adds_up(explanation)

    explained()
