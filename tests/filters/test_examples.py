"""The examples of every operator, by the pipeline and by the evaluator."""

import pytest

from app.filters.operators import OPERATORS
from tests.filters import operator_examples
from tests.filters.dual_evaluator import DualEvaluator
from tests.filters.operator_examples import NOW, OPERATOR_EXAMPLES


@pytest.mark.parametrize(
    "number", range(len(OPERATOR_EXAMPLES)), ids=lambda n: f"{OPERATOR_EXAMPLES[n][0].name}-{n}"
)
def test_example(number: int, example_evaluator: DualEvaluator) -> None:
    operator, example = OPERATOR_EXAMPLES[number]
    tree, ours = (
        operator_examples.example_filter(operator, example),
        operator_examples.customers_of_example(example_evaluator, number),
    )
    assert example_evaluator.select_by_pipeline(
        tree, NOW
    ) & ours == operator_examples.expected_customers(example, ours)
    assert example_evaluator.select_by_evaluator(
        tree, NOW
    ) & ours == operator_examples.expected_customers(example, ours)


def test_every_operator_has_examples_of_both_results() -> None:
    for operator in OPERATORS:
        assert {example.holds for example in operator.examples} == {True, False}, operator.name
