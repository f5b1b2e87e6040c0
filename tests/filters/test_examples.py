"""Every example of every operator, asked of both engines: the stated answer."""

import pytest

from app.filters.operators import OPERATORS
from tests.filters import examples
from tests.filters.examples import NOW, QUESTIONS
from tests.filters.judge import Judge


@pytest.mark.parametrize(
    "number", range(len(QUESTIONS)), ids=lambda n: f"{QUESTIONS[n][0].name}-{n}"
)
def test_example(number: int, example_judge: Judge) -> None:
    operator, example = QUESTIONS[number]
    tree, ours = examples.asked(operator, example), examples.of(example_judge, number)
    assert example_judge.selected(tree, NOW) & ours == examples.answer(example, ours)
    assert example_judge.held(tree, NOW) & ours == examples.answer(example, ours)


def test_every_operator_has_examples_of_both_answers() -> None:
    for operator in OPERATORS:
        assert {example.holds for example in operator.examples} == {True, False}, operator.name
