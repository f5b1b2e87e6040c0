"""Thousands of random filters select the same customers by the pipeline and by the evaluator."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.filters import Now, parse
from tests.filters.corpus import CATALOG, NOWS
from tests.filters.dual_evaluator import DualEvaluator
from tests.filters.filter_strategies import FilterStrategies
from tests.random_cases import repeatable

FILTERS = 2_000
FILTERS_PER_EXAMPLE = 5


@pytest.mark.timeout(600)
def test_pipeline_and_evaluator_select_the_same_customers(
    dual_evaluator: DualEvaluator, filter_strategies: FilterStrategies
) -> None:
    answers: Counter[str] = Counter()

    @repeatable(FILTERS // FILTERS_PER_EXAMPLE)
    @given(
        st.lists(
            filter_strategies.filters(), min_size=FILTERS_PER_EXAMPLE, max_size=FILTERS_PER_EXAMPLE
        ),
        st.sampled_from(NOWS),
    )
    def agree(wires: list[dict[str, Any]], now: Now) -> None:
        for wire in wires:
            tree = parse(wire, CATALOG)
            selected = dual_evaluator.select_by_pipeline(tree, now)
            assert selected == dual_evaluator.select_by_evaluator(tree, now), wire
            answers[match_extent(len(selected) / len(dual_evaluator.customers))] += 1

    agree()
    print(answers)
    assert answers.total() >= FILTERS
    assert answers["some"] >= 0.65 * answers.total()


def match_extent(share: float) -> str:
    return "none" if share == 0 else "all" if share == 1 else "some"
