"""Filters that the parser accepts, their trees, and what its messages suggest."""

from typing import Any

import pytest

from app.filters import AttributeType, Catalog, MetadataType, parse
from app.filters.aggregates import SUM
from app.filters.operators import OPERATORS
from app.filters.tree import AllOf, AttributeCondition, EventCondition
from tests.filters.corpus import CATALOG
from tests.filters.parse_cases import (
    NAME_CONDITION,
    Wire,
    attribute_condition,
    codes_and_paths,
    event_condition,
    nested_none_groups,
    refusal_message,
)


@pytest.mark.parametrize(
    "wire",
    [
        {"all": [{"attribute": NAME_CONDITION}] * 200},
        event_condition(where=[NAME_CONDITION] * 199),
        nested_none_groups(10),
        {"all": [attribute_condition("name", "IN", ["x"] * 10_000)] * 2},
        attribute_condition("name", "IS", "x" * 1_000),
        attribute_condition("name", "IS", ""),
        attribute_condition("name", "IS", "a\n😀"),
        attribute_condition("metadata" + ".a" * 20, "IS", 1),
        attribute_condition("metadata.num", "IS", 2**63 - 1),
        attribute_condition("metadata.num", "IS", -(2**63)),
        attribute_condition("metadata.num", "BETWEEN", [1, 1]),
        attribute_condition("metadata.free", "IN", ["x", 5]),
        attribute_condition("metadata.free", "IN", ["x", 5], ignoreCase=True),
        attribute_condition("metadata.free", "BEFORE", "2026-01-01"),
        attribute_condition("metadata.free", "BETWEEN", ["2026-01-01", "2026-01-02T12:00:00"]),
        attribute_condition("metadata.thing.inner", "IS", "x"),
        attribute_condition("createdAt", "WITHIN_LAST", "P36525D"),
        attribute_condition("createdAt", "WITHIN_LAST", "PT0.001S"),
        attribute_condition("events.a.b.count", "IS", 0),
        attribute_condition("events.$%.lastAt", "HAS_VALUE"),
        attribute_condition("events.order.count", "IS", 1),
    ],
)
def test_taken(wire: Wire) -> None:
    assert codes_and_paths(wire) == []


def test_too_deep() -> None:
    assert codes_and_paths(nested_none_groups(11)) == [("FILTER_TOO_COMPLEX", ())]
    assert codes_and_paths(nested_none_groups(100_000)) == [("FILTER_TOO_COMPLEX", ())]


def test_a_value_of_great_depth() -> None:
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    for operator in OPERATORS:
        assert [
            code
            for code, _ in codes_and_paths(
                attribute_condition("metadata.free", operator.name, value)
            )
        ] == ["INVALID_VALUE"]


def test_all_problems_at_once() -> None:
    wire = {
        "all": [
            attribute_condition("emial", "IS", "x"),
            {
                "any": [
                    {"attribute": NAME_CONDITION},
                    attribute_condition("name", "GREATER_THAN", 1),
                    {"all": []},
                ]
            },
            attribute_condition("name", "IS", 5, ignoreCase=True),
            {
                "event": {
                    "name": "",
                    "where": [NAME_CONDITION | {"value": None}],
                    "within": {"last": "soon"},
                    "aggregate": {"function": "SUM", "property": ""},
                    "value": "x",
                }
            },
        ]
    }
    assert codes_and_paths(wire) == [
        ("UNKNOWN_ATTRIBUTE", ("all", "0", "attribute", "path")),
        ("OPERATOR_NOT_APPLICABLE", ("all", "1", "any", "1", "attribute", "operator")),
        ("FILTER_EMPTY", ("all", "1", "any", "2", "all")),
        ("INVALID_VALUE", ("all", "2", "attribute", "value")),
        ("INVALID_VALUE", ("all", "3", "event", "name")),
        ("INVALID_VALUE", ("all", "3", "event", "where", "0", "value")),
        ("INVALID_VALUE", ("all", "3", "event", "within", "last")),
        ("UNKNOWN_ATTRIBUTE", ("all", "3", "event", "aggregate", "property")),
        ("INVALID_VALUE", ("all", "3", "event", "value")),
    ]


@pytest.mark.parametrize(
    ("path", "nearest"),
    [
        ("emial", "email"),
        ("order.totalCount", "orders.totalCount"),
        ("city", "address.city"),
        ("Name", "name"),
        ("birthday", "birthdate"),
        ("metadta.visits", "metadata.visits"),
    ],
)
def test_the_nearest_known_path_is_named(path: str, nearest: str) -> None:
    assert f"the nearest is {nearest!r}" in refusal_message(attribute_condition(path, "IS", "x"))


def test_the_operators_that_fit_are_named() -> None:
    of_strings = [o for o in OPERATORS if AttributeType.STRING in o.types]
    fitting = ", ".join(o.name for o in of_strings if not o.is_array_operator)
    assert refusal_message(attribute_condition("name", "BETWEEN", [1, 2])).endswith(
        f"a STRING; these do: {fitting}."
    )
    fitting = ", ".join(o.name for o in of_strings)
    said = refusal_message(attribute_condition("metadata.tags", "BETWEEN", [1, 2]))
    assert said.endswith(f"an array of STRING; these do: {fitting}.")


def test_an_event_condition_asks_for_one_event_at_least() -> None:
    tree = parse(event_condition(), CATALOG)
    assert isinstance(tree, EventCondition)
    assert (tree.operator.name, tree.operand.value) == ("GREATER_THAN_OR_EQUAL", 1)
    assert (tree.measure.where, tree.measure.window, tree.measure.aggregate) == ((), None, None)
    spelled = event_condition(operator="GREATER_THAN_OR_EQUAL", value=1, where=[], within=None)
    assert parse(spelled, CATALOG) == tree


def test_an_event_condition_in_full() -> None:
    tree = parse(
        event_condition(aggregate={"function": "SUM", "property": "a.b"}, value=5), CATALOG
    )
    assert isinstance(tree, EventCondition)
    assert tree.measure.aggregate is SUM
    assert tree.measure.property is not None
    assert tree.measure.property.document_keys == ("properties", "a", "b")


def test_the_events_of_orders_are_the_summary_of_orders() -> None:
    by_event = parse(attribute_condition("events.order.count", "IS", 1), CATALOG)
    assert by_event == parse(attribute_condition("orders.totalCount", "IS", 1), CATALOG)


def test_a_key_without_a_type_takes_that_of_the_value() -> None:
    taken = {
        "5": AttributeType.STRING,
        5: AttributeType.NUMBER,
        5.5: AttributeType.NUMBER,
        True: AttributeType.BOOLEAN,
    }
    for value, type_ in taken.items():
        tree = parse(attribute_condition("metadata.free", "IS", value), Catalog())
        assert isinstance(tree, AttributeCondition)
        assert tree.operand.type is type_


def test_a_definition_decides() -> None:
    wire = attribute_condition("metadata.key", "BEFORE", "2026-01-01")
    assert codes_and_paths(wire, Catalog()) == []
    assert codes_and_paths(wire, Catalog({"key": MetadataType(AttributeType.DATE)})) == []
    text = Catalog({"key": MetadataType(AttributeType.STRING)})
    assert codes_and_paths(wire, text) == [("OPERATOR_NOT_APPLICABLE", ("attribute", "operator"))]


def test_one_branch_is_enough() -> None:
    tree = parse({"all": [{"attribute": NAME_CONDITION}]}, CATALOG)
    assert isinstance(tree, AllOf)
    assert len(tree.branches) == 1
