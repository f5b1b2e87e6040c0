"""The tests detect a wrong MongoDB query of an aggregate or of a window."""

from types import ModuleType
from typing import Any

import pytest

from app.filters import measure_stages, sources
from app.filters.aggregates import AGGREGATES, Aggregate
from tests.filters.case_bank import CaseBank
from tests.filters.dual_evaluator import DualEvaluator
from tests.filters.filter_case import FilterCase, filter_case_bank
from tests.filters.filter_strategies import FilterStrategies
from tests.filters.operator_mutations import replace_in_query


@pytest.fixture(scope="module")
def case_bank(dual_evaluator: DualEvaluator) -> CaseBank[FilterCase]:
    return filter_case_bank(dual_evaluator)


@pytest.fixture(scope="module")
def item_cases(
    case_bank: CaseBank[FilterCase], filter_strategies: FilterStrategies
) -> list[FilterCase]:
    """Filters on items, none of which is detected before the code is broken."""
    cases = case_bank.draw_cases("items", filter_strategies.items())
    assert not any(case.is_detected() for case in cases)
    return cases


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
        "finalize": lambda accumulated, field: {"$ifNull": [None, 1]},
        "empty_value": 0 if aggregate.empty_value is None else None,
    }
    cases = case_bank.draw_cases(
        aggregate.name, filter_strategies.events("aggregate", aggregates=[aggregate])
    )
    monkeypatch.setattr(aggregate, part, wrong[part])
    assert any(case.is_detected() for case in cases)


@pytest.mark.parametrize(
    ("module", "name", "broken"),
    [
        # Conditions on the order as a whole: any item counts if one of them matches.
        (measure_stages, "_is_on_element", lambda condition, measure: False),
        # The path of the order in a condition on an item: no item matches.
        (measure_stages, "_as_element_condition", lambda condition: condition),
        (measure_stages, "uses_expression", lambda query: False),
        # The evaluator sees no items, one for each order, or an item without its order.
        (sources, "_item_rows", lambda order: []),
        (sources, "_item_rows", lambda order: [order] if "items" in order else []),
        (
            sources,
            "_item_rows",
            lambda order: [{"at": order["at"], "items": item} for item in order.get("items", ())],
        ),
    ],
    ids=("whole order", "path", "expression", "no items", "one item", "no order"),
)
def test_broken_items_are_detected(
    module: ModuleType,
    name: str,
    broken: Any,
    item_cases: list[FilterCase],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, name, broken)
    assert any(case.is_detected() or _is_evaluated_differently(case) for case in item_cases)


def _is_evaluated_differently(case: FilterCase) -> bool:
    evaluated = case.dual_evaluator.select_by_evaluator(case.filter, case.now)
    return evaluated != case.expected_customers


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
