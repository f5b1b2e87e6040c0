"""Thousands of random filters, asked of both engines: the answers are the same."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from app.filters import Now, parse
from tests.filters.corpus import CATALOG, NOWS
from tests.filters.judge import Judge
from tests.filters.wire import Filters

FILTERS, AT_ONCE = 3_000, 5


@pytest.mark.timeout(600)
def test_both_engines_find_the_same_customers(judge: Judge, filters: Filters) -> None:
    answers: Counter[str] = Counter()

    @settings(
        max_examples=FILTERS // AT_ONCE,
        phases=(Phase.generate, Phase.shrink),
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(filters.filters(), min_size=AT_ONCE, max_size=AT_ONCE), st.sampled_from(NOWS))
    def agree(wires: list[dict[str, Any]], now: Now) -> None:
        for wire in wires:
            tree = parse(wire, CATALOG)
            selected = judge.selected(tree, now)
            assert selected == judge.held(tree, now), wire
            answers[_extent(len(selected) / len(judge.customers))] += 1

    agree()
    print(answers)
    assert answers.total() >= FILTERS
    assert answers["some"] >= 0.65 * answers.total()


def _extent(share: float) -> str:
    return "none" if share == 0 else "all" if share == 1 else "some"
