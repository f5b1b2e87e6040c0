"""Every example of every operator, asked of both engines: the stated answer."""

from collections.abc import Iterator
from typing import Any

import pytest
from pymongo import MongoClient

from app.filters import AttributeType, Catalog, Filter, MetadataType, Now, parse
from app.filters.calendar import nominal, read_date, read_datetime
from app.filters.operators import OPERATORS, Example, Operator
from tests.filters.corpus import NOWS
from tests.filters.judge import Judge, judging

Question = tuple[Operator, Example]

# The clock of the examples: 2026-03-29 at noon, in UTC.
NOW: Now = NOWS[0]
QUESTIONS: list[Question] = [(o, example) for o in OPERATORS for example in o.examples]


def stored(example: Example) -> Any:
    """The example's value as it lies in the database."""
    if example.type is AttributeType.DATE:
        return _each(example.stored, lambda text: nominal(read_date(text)))
    if example.type is AttributeType.DATETIME:
        return _each(example.stored, read_datetime)
    return example.stored


def _each(stored: Any, read: Any) -> Any:
    if isinstance(stored, list):
        return [_each(element, read) for element in stored]
    return read(stored) if isinstance(stored, str) else stored


def asked(operator: Operator, example: Example) -> Filter:
    """The example's question, of the key that holds its value."""
    types = {}
    if example.type is not None:
        types["key"] = MetadataType(example.type, isinstance(example.stored, list))
    wire = {"path": "metadata.key", "operator": operator.name, "ignoreCase": example.ignore_case}
    return parse({"attribute": wire | {"value": example.value}}, Catalog(types))


def _documents() -> Iterator[dict[str, Any]]:
    for number, (_, example) in enumerate(QUESTIONS):
        yield {"_id": str(number), "metadata": {"key": stored(example)}}
        if example.stored is None:
            yield {"_id": f"{number} absent", "metadata": {}}
            yield {"_id": f"{number} bare"}


@pytest.fixture(scope="module")
def example_judge(mongo_client: MongoClient[dict[str, Any]]) -> Iterator[Judge]:
    with judging(mongo_client, {"customers": list(_documents())}) as found:
        yield found


@pytest.mark.parametrize(
    "number", range(len(QUESTIONS)), ids=lambda n: f"{QUESTIONS[n][0].name}-{n}"
)
def test_example(number: int, example_judge: Judge) -> None:
    operator, example = QUESTIONS[number]
    tree = asked(operator, example)
    ours = {id_ for id_ in example_judge.customers if id_.split()[0] == str(number)}
    assert example_judge.selected(tree, NOW) & ours == (ours if example.holds else set())
    assert example_judge.held(tree, NOW) & ours == (ours if example.holds else set())


def test_every_operator_has_examples_of_both_answers() -> None:
    for operator in OPERATORS:
        assert {example.holds for example in operator.examples} == {True, False}, operator.name
