"""The tests detect a wrong MongoDB query of any operator.

With a mutation in place, pipeline and evaluator must disagree about some customer for some random
filter of the operator.
"""

from dataclasses import replace
from typing import Any

import pytest

from app.filters import Now, predicates
from app.filters.fields import Field, FieldGroup
from app.filters.operators import OPERATORS, OPERATORS_BY_NAME, Operand, Operator, Query
from tests.filters import operator_examples
from tests.filters.case_bank import CaseBank
from tests.filters.dual_evaluator import DualEvaluator
from tests.filters.filter_case import FilterCase, filter_case_bank
from tests.filters.filter_strategies import FilterStrategies
from tests.filters.operator_mutations import BreakQuery, breaks_of_operator


@pytest.fixture(scope="module")
def case_bank(dual_evaluator: DualEvaluator) -> CaseBank[FilterCase]:
    return filter_case_bank(dual_evaluator)


OPERATOR_BREAKS = [
    (operator, break_) for operator in OPERATORS for break_ in breaks_of_operator(operator)
]


def _apply_break(
    monkeypatch: pytest.MonkeyPatch, operator: Operator, break_query: BreakQuery
) -> None:
    if operator.negates is None:
        monkeypatch.setattr(operator, "query", break_query(operator.query))
        return
    original = predicates._operator_query

    def broken_query(field: Field, other: Operator, operand: Operand, now: Now) -> Query:
        def correct(path: str, operand: Operand, now: Now) -> Query:
            return original(field, other, operand, now)

        if other is operator:
            return break_query(correct)(field.mongo_path, operand, now)
        return correct(field.mongo_path, operand, now)

    monkeypatch.setattr(predicates, "_operator_query", broken_query)


@pytest.mark.parametrize(
    ("operator", "break_"),
    OPERATOR_BREAKS,
    ids=[f"{o.name}-{b.__name__.strip('_')}" for o, b in OPERATOR_BREAKS],
)
def test_a_mutation_is_detected(
    operator: Operator,
    break_: BreakQuery,
    case_bank: CaseBank[FilterCase],
    filter_strategies: FilterStrategies,
    example_evaluator: DualEvaluator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cases = case_bank.draw_cases(operator.name, filter_strategies.attributes([operator]))
    _apply_break(monkeypatch, operator, break_)
    assert any(case.is_detected() for case in cases) or _fails_an_example(
        operator, example_evaluator
    )


def _fails_an_example(operator: Operator, dual_evaluator: DualEvaluator) -> bool:
    for number, (example_operator, example) in enumerate(operator_examples.OPERATOR_EXAMPLES):
        if example_operator is operator:
            expected_ids = operator_examples.customers_of_example(dual_evaluator, number)
            selected = dual_evaluator.select_by_pipeline(
                operator_examples.example_filter(operator, example), operator_examples.NOW
            )
            if selected & expected_ids != operator_examples.expected_customers(
                example, expected_ids
            ):
                return True
    return False


@pytest.mark.parametrize(
    "reset_fields",
    [{"default": None}, {"group": FieldGroup.PROFILE}],
    ids=["defaults", "arrays_on_the_way"],
)
def test_a_missing_part_of_a_field_is_detected(
    reset_fields: dict[str, Any],
    case_bank: CaseBank[FilterCase],
    filter_strategies: FilterStrategies,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    positive = predicates._positive_query
    monkeypatch.setattr(
        predicates,
        "_positive_query",
        lambda field, *arguments: positive(replace(field, **reset_fields), *arguments),
    )
    wires = filter_strategies.attributes(
        [OPERATORS_BY_NAME["IS"], OPERATORS_BY_NAME["LESS_THAN"], OPERATORS_BY_NAME["HAS_VALUE"]]
    )
    cases = case_bank.draw_cases("fields", wires)
    assert any(case.is_detected() for case in cases)
