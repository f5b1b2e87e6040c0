"""Thousands of random filters, asked of both engines: the answers are the same."""

from collections import Counter

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.filters import parse
from tests.filters.corpus import CATALOG, NOWS
from tests.filters.judge import Judge
from tests.filters.wire import Filters

FILTERS = 3_000


def test_both_engines_find_the_same_customers(judge: Judge, filters: Filters) -> None:
    found: Counter[str] = Counter()

    @settings(
        max_examples=FILTERS,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(wire=filters.filters(), now=st.sampled_from(NOWS))
    def agree(wire: dict[str, object], now: object) -> None:
        tree = parse(wire, CATALOG)
        selected = judge.selected(tree, now)
        assert selected == judge.held(tree, now)
        share = len(selected) / len(judge.customers)
        found["none" if share == 0 else "all" if share == 1 else "some"] += 1

    agree()
    print(found)
    assert found.total() >= FILTERS
    assert found["some"] >= 0.6 * found.total()
