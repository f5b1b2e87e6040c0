"""The examples of the operators as questions to both engines."""

from collections.abc import Iterator
from typing import Any

from app.filters import AttributeType, Catalog, Filter, MetadataType, Now, parse
from app.filters.calendar import nominal, read_date, read_datetime
from app.filters.operators import OPERATORS, Example, Operator
from tests.filters.corpus import NOWS
from tests.filters.judge import Judge

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


def documents() -> Iterator[dict[str, Any]]:
    for number, (_, example) in enumerate(QUESTIONS):
        yield {"_id": str(number), "metadata": {"key": stored(example)}}
        if example.stored is None:
            yield {"_id": f"{number} absent", "metadata": {}}
            yield {"_id": f"{number} bare"}


def of(judge: Judge, number: int) -> set[Any]:
    """The customers of an example: more than one where its value is missing in several ways."""
    return {id_ for id_ in judge.customers if id_.split()[0] == str(number)}


def answer(example: Example, customers: set[Any]) -> set[Any]:
    """Of whom of its customers the example says that it holds."""
    return customers if example.holds else set()
