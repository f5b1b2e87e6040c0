"""The tests detect a wrong MongoDB query of an aggregate or of a window."""

from typing import Any

import pytest

from app.filters import measure_stages
from app.filters.aggregates import AGGREGATES, Aggregate
from tests.filters.case_bank import CaseBank
from tests.filters.dual_evaluator import DualEvaluator
from tests.filters.filter_case import FilterCase, filter_case_bank
from tests.filters.filter_strategies import FilterStrategies
from tests.filters.operator_mutations import replace_in_query


@pytest.fixture(scope="module")
def case_bank(dual_evaluator: DualEvaluator) -> CaseBank[FilterCase]:
    return filter_case_bank(dual_evaluator)


@pytest.mark.parametrize("aggregate", AGGREGATES, ids=lambda aggregate: aggregate.name)
@pytest.mark.parametrize("part", ["accumulate", "finalize", "empty_value"])
def test_a_broken_aggregate_is_detected(
    aggregate: Aggregate,
    part: str,
    case_bank: CaseBank[FilterCase],
    filter_strategies: FilterStrategies,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wrong: dict[str, Any] = {
        "accumulate": lambda field: {"$last": f"${field.mongo_path}"},
        "finalize": lambda accumulated: {"$ifNull": [None, 1]},
        "empty_value": 0 if aggregate.empty_value is None else None,
    }
    cases = case_bank.draw_cases(
        aggregate.name, filter_strategies.events("aggregate", aggregates=[aggregate])
    )
    monkeypatch.setattr(aggregate, part, wrong[part])
    assert any(case.is_detected() for case in cases)


@pytest.mark.parametrize("moved", [{"$gt": "$gte"}, {"$lte": "$lt"}, {"$gte": "$gt"}], ids=str)
def test_a_window_with_moved_edges_is_detected(
    moved: dict[str, str],
    case_bank: CaseBank[FilterCase],
    filter_strategies: FilterStrategies,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bounds = measure_stages._window_bounds
    monkeypatch.setattr(
        measure_stages,
        "_window_bounds",
        lambda *arguments: replace_in_query(bounds(*arguments), lambda _, v: v, moved),
    )
    # With an aggregate the pipeline reads the rows, not the summary.
    cases = case_bank.draw_cases("windows", filter_strategies.events("within", "aggregate"))
    assert any(case.is_detected() for case in cases)
