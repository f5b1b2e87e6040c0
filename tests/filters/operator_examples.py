"""The examples of the operators as filters for both engines."""

from collections.abc import Iterator
from typing import Any

from app.filters import AttributeType, Catalog, Filter, MetadataType, Now, parse
from app.filters.calendar import parse_date, parse_datetime, utc_midnight
from app.filters.operators import OPERATORS, Example, Operator
from tests.filters.corpus import NOWS
from tests.filters.dual_evaluator import DualEvaluator

OperatorExample = tuple[Operator, Example]

# The clock of the examples: 2026-03-29 at noon, in UTC.
NOW: Now = NOWS[0]
OPERATOR_EXAMPLES: list[OperatorExample] = [
    (o, example) for o in OPERATORS for example in o.examples
]


def stored_value(example: Example) -> Any:
    """Returns the value of the example as MongoDB stores it."""
    if example.type is AttributeType.DATE:
        return _map_values(example.stored, lambda text: utc_midnight(parse_date(text)))
    if example.type is AttributeType.DATETIME:
        return _map_values(example.stored, parse_datetime)
    return example.stored


def _map_values(stored: Any, read: Any) -> Any:
    if isinstance(stored, list):
        return [_map_values(element, read) for element in stored]
    return read(stored) if isinstance(stored, str) else stored


def example_filter(operator: Operator, example: Example) -> Filter:
    """Returns the filter of the example, on the key with its value."""
    types = {}
    if example.type is not None:
        types["key"] = MetadataType(example.type, isinstance(example.stored, list))
    attribute = {
        "path": "metadata.key",
        "operator": operator.name,
        "ignoreCase": example.ignore_case,
    }
    return parse({"attribute": attribute | {"value": example.value}}, Catalog(types))


def example_documents() -> Iterator[dict[str, Any]]:
    for number, (_, example) in enumerate(OPERATOR_EXAMPLES):
        yield {"_id": str(number), "metadata": {"key": stored_value(example)}}
        if example.stored is None:
            yield {"_id": f"{number} absent", "metadata": {}}
            yield {"_id": f"{number} bare"}


def customers_of_example(dual_evaluator: DualEvaluator, number: int) -> set[Any]:
    """Returns the customers of an example; several if its value can be missing in several ways."""
    return {id_ for id_ in dual_evaluator.customers if id_.split()[0] == str(number)}


def expected_customers(example: Example, customers: set[Any]) -> set[Any]:
    """Returns the customers of the example that are members."""
    return customers if example.holds else set()
