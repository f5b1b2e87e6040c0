"""Conditions on summaries exclude no member, and decide every customer that they can."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.filters import CustomerFacts, Now, holds, parse
from app.filters.conjuncts import conjuncts
from app.filters.sources import RowSource
from app.filters.summary_rewrite import rewrite_with_summaries, summary_prefilters
from app.filters.tree import EventCondition
from app.filters.walk import measures
from tests.filters.corpus import CATALOG, EVENT_NAMES, NOWS
from tests.filters.dual_evaluator import DualEvaluator
from tests.filters.filter_strategies import FilterStrategies
from tests.random_cases import repeatable

Wire = dict[str, Any]
MAX_EXAMPLES = 300
_DURATIONS = ("PT1H", "P1D", "P7D", "P30D", "P365D")


def plain_event_conditions() -> st.SearchStrategy[Wire]:
    """Draws conditions on the number of events, without `where` or aggregate."""
    return st.fixed_dictionaries(
        {
            "name": st.sampled_from(EVENT_NAMES),
            "operator": st.sampled_from(
                ("IS", "IS_NOT", "GREATER_THAN", "GREATER_THAN_OR_EQUAL", "LESS_THAN")
            ),
            "value": st.sampled_from((0, 1, 2, 0.5, -1, 1.0)),
        },
        optional={"within": st.sampled_from(_DURATIONS).map(lambda last: {"last": last})},
    ).map(lambda event: {"event": event})


def filter_trees(leaves: st.SearchStrategy[Wire]) -> st.SearchStrategy[Wire]:
    return st.recursive(
        leaves,
        lambda inner: st.builds(
            lambda kind, branches: {kind: branches},
            st.sampled_from(("all", "any", "none")),
            st.lists(inner, min_size=1, max_size=3),
        ),
        max_leaves=5,
    )


def _has_later_rows(source: RowSource, facts: CustomerFacts, now: Now) -> bool:
    rows = facts.rows.get(source.collection, ())
    return any(row["at"] > now.at for row in source.select_rows(rows))


def test_summaries_decide_members_or_leave_them_in_doubt(
    dual_evaluator: DualEvaluator, filter_strategies: FilterStrategies
) -> None:
    seen = {"sure": 0, "in doubt and in": 0, "without rows": 0}

    @repeatable(MAX_EXAMPLES)
    @given(
        filter_trees(
            st.one_of(
                plain_event_conditions(), plain_event_conditions(), filter_strategies.segments()
            )
        ),
        st.sampled_from(NOWS),
    )
    def agree(wire: Wire, now: Now) -> None:
        tree = parse(wire, CATALOG)
        said = rewrite_with_summaries(tree, now)
        seen["without rows"] += bool(measures(tree)) and not measures(said.definite_filter)
        for facts in dual_evaluator.customers.values():
            is_in, is_sure = holds(tree, facts, now), holds(said.definite_filter, facts, now)
            doubted = any(_has_later_rows(source, facts, now) for source in said.uncertain_sources)
            assert is_in or not is_sure
            assert is_sure or not is_in or doubted
            seen["sure"] += is_sure
            seen["in doubt and in"] += is_in and not is_sure

    agree()
    assert all(count > 50 for count in seen.values()), seen


def test_the_summary_condition_holds_for_every_member(
    dual_evaluator: DualEvaluator, filter_strategies: FilterStrategies
) -> None:
    narrowed = 0

    @repeatable(MAX_EXAMPLES)
    @given(filter_strategies.events(), st.sampled_from(NOWS))
    def implied(wire: Wire, now: Now) -> None:
        nonlocal narrowed
        tree = parse(wire, CATALOG)
        assert isinstance(tree, EventCondition)
        for part in summary_prefilters(tree, now):
            for facts in dual_evaluator.customers.values():
                assert holds(part, facts, now) or not holds(tree, facts, now)
                narrowed += not holds(part, facts, now)

    implied()
    assert narrowed > 1_000


@pytest.mark.parametrize(
    ("event", "asks_of_rows"),
    [
        ({"name": "purchase", "operator": "BETWEEN", "value": [2, 5]}, False),
        ({"name": "order", "operator": "IS", "value": 0}, False),
        ({"name": "purchase", "within": {"last": "P30D"}}, False),
        ({"name": "order", "within": {"last": "P30D"}, "operator": "IS", "value": 0}, False),
        ({"name": "purchase", "within": {"last": "P30D"}, "value": 2}, True),
        ({"name": "purchase", "where": [{"path": "a", "operator": "HAS_VALUE"}]}, True),
        (
            {"name": "order", "aggregate": {"function": "SUM", "property": "amount"}, "value": 1},
            True,
        ),
    ],
)
def test_rows_are_read_only_if_the_summary_does_not_decide(event: Wire, asks_of_rows: bool) -> None:
    sure = rewrite_with_summaries(parse({"event": event}, CATALOG), NOWS[0]).definite_filter
    assert bool(measures(sure)) is asks_of_rows


def test_a_reader_whose_clock_is_behind_reads_the_rows() -> None:
    now = NOWS[0]
    last = now.at + timedelta(milliseconds=1)
    summary = {"count": 2, "firstAt": now.at - timedelta(days=1), "lastAt": last}
    rows = [{"name": "purchase", "at": at} for at in (summary["firstAt"], last)]
    facts = CustomerFacts({"events": {"purchase": summary}}, {"events": rows})
    tree = parse({"event": {"name": "purchase", "within": {"last": "P2D"}}}, CATALOG)
    said = rewrite_with_summaries(tree, now)
    assert conjuncts(tree) == [tree]
    assert holds(tree, facts, now)
    assert not holds(said.definite_filter, facts, now)
    (source,) = said.uncertain_sources
    assert _has_later_rows(source, facts, now)
