"""An explanation gives the same result as the filter, and its parts add up."""

from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.domain.metadata import to_json
from app.filters import CustomerFacts, Evaluation, explain, holds, parse
from tests.filters.corpus import CATALOG, NOWS
from tests.filters.dual_evaluator import DualEvaluator
from tests.filters.filter_strategies import FilterStrategies
from tests.random_cases import repeatable

Explanation = dict[str, Any]

_GROUPS: dict[str, Callable[[list[bool]], bool]] = {
    "all": all,
    "any": any,
    "none": lambda parts: not any(parts),
}


def _is_consistent(explanation: Explanation) -> bool:
    """Whether the result of each group follows from its branches."""
    for kind, combine in _GROUPS.items():
        if kind in explanation:
            branches = explanation[kind]
            expected = combine([branch["holds"] for branch in branches])
            return explanation["holds"] is expected and all(map(_is_consistent, branches))
    if "segment" in explanation:
        inner = explanation["segment"]
        return explanation["has"] is inner["holds"] and _is_consistent(inner)
    return {"holds", "wanted", "has"} == explanation.keys()


def test_explanations_add_up_to_the_result(
    dual_evaluator: DualEvaluator, filter_strategies: FilterStrategies
) -> None:
    @repeatable(200)
    @given(
        filter_strategies.filters(),
        st.sampled_from(NOWS),
        st.sampled_from(list(dual_evaluator.customers.values())),
    )
    def explained(wire: Any, now: Any, facts: Any) -> None:
        tree = parse(wire, CATALOG)
        explanation = explain(tree, Evaluation(facts, now), to_json)
        assert explanation["holds"] is holds(tree, facts, now)
        assert _is_consistent(explanation)

    explained()


def test_explanations_share_a_large_value() -> None:
    texts = [f"text {number}" for number in range(3)]
    evaluation = Evaluation(CustomerFacts({"metadata": {"texts": texts}}), NOWS[0])
    conditions = [
        {"attribute": {"path": "metadata.texts", "operator": "CONTAINS", "value": str(number)}}
        for number in range(2)
    ]

    first, second = explain(parse({"all": conditions}, CATALOG), evaluation, to_json)["all"]
    other = explain(parse(conditions[0], CATALOG), evaluation, to_json)

    assert first["has"] == texts
    assert first["has"] is second["has"] is other["has"]
