"""What the parser rejects, with code and path; what it accepts, it returns unchanged."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from app.errors import InputError
from app.filters import AttributeType, Catalog, MetadataType, canonical, parse
from app.filters.aggregates import SUM
from app.filters.operators import OPERATORS
from app.filters.tree import AllOf, AttributeCondition, EventCondition
from tests.filters.corpus import CATALOG
from tests.filters.dual_evaluator import DualEvaluator
from tests.filters.filter_strategies import FilterStrategies

Wire = dict[str, Any]
CodesAndPaths = list[tuple[str, tuple[str, ...]]]
PREFIX = ("input", "definition", "filter")
NAME_CONDITION = {"path": "name", "operator": "IS", "value": "Ann"}


def attribute_condition(path: str, operator: str, value: Any = None, **more: Any) -> Wire:
    return {"attribute": {"path": path, "operator": operator, "value": value, **more}}


def event_condition(**parts: Any) -> Wire:
    return {"event": {"name": "purchase", **parts}}


def codes_and_paths(wire: Wire, catalog: Catalog = CATALOG) -> CodesAndPaths:
    """Returns the codes and the paths, without the prefix; empty if the filter is valid."""
    try:
        parse(wire, catalog, *PREFIX)
    except InputError as refused:
        problems_found = refused.problems
    else:
        return []
    assert all(problem.path[:3] == PREFIX and problem.message for problem in problems_found)
    return [(problem.code.value, problem.path[3:]) for problem in problems_found]


def refusal_message(wire: Wire) -> str:
    with pytest.raises(InputError) as refused:
        parse(wire, CATALOG)
    return str(refused.value)


VALUE_PATH = ("attribute", "value")
REFUSALS: list[tuple[Wire, str, tuple[str, ...]]] = [
    ({}, "FILTER_EMPTY", ()),
    ({"all": None}, "FILTER_EMPTY", ()),
    ({"all": []}, "FILTER_EMPTY", ("all",)),
    ({"any": [{"none": []}]}, "FILTER_EMPTY", ("any", "0", "none")),
    ({"all": [{"attribute": NAME_CONDITION}], "attribute": NAME_CONDITION}, "INVALID", ()),
    (attribute_condition("emial", "IS", "x"), "UNKNOWN_ATTRIBUTE", ("attribute", "path")),
    (attribute_condition("", "IS", "x"), "UNKNOWN_ATTRIBUTE", ("attribute", "path")),
    (attribute_condition("orders", "IS", "x"), "UNKNOWN_ATTRIBUTE", ("attribute", "path")),
    (attribute_condition("metadata", "IS", "x"), "UNKNOWN_ATTRIBUTE", ("attribute", "path")),
    (attribute_condition("metadata.", "IS", "x"), "UNKNOWN_ATTRIBUTE", ("attribute", "path")),
    (attribute_condition("metadata.a..b", "IS", "x"), "UNKNOWN_ATTRIBUTE", ("attribute", "path")),
    (attribute_condition("metadata.$a", "IS", "x"), "UNKNOWN_ATTRIBUTE", ("attribute", "path")),
    (attribute_condition("metadata.\0", "IS", "x"), "UNKNOWN_ATTRIBUTE", ("attribute", "path")),
    (attribute_condition("metadata.\ud800", "IS", "x"), "UNKNOWN_ATTRIBUTE", ("attribute", "path")),
    (
        attribute_condition("metadata." + "k" * 101, "IS", "x"),
        "UNKNOWN_ATTRIBUTE",
        ("attribute", "path"),
    ),
    (
        attribute_condition("metadata" + ".a" * 21, "IS", "x"),
        "UNKNOWN_ATTRIBUTE",
        ("attribute", "path"),
    ),
    (
        attribute_condition("metadata.num.inner", "IS", 1),
        "UNKNOWN_ATTRIBUTE",
        ("attribute", "path"),
    ),
    (
        attribute_condition("events.purchase.total", "IS", 1),
        "UNKNOWN_ATTRIBUTE",
        ("attribute", "path"),
    ),
    (attribute_condition("events..count", "IS", 1), "UNKNOWN_ATTRIBUTE", ("attribute", "path")),
    (
        attribute_condition("name", "GREATER_THAN", 1),
        "OPERATOR_NOT_APPLICABLE",
        ("attribute", "operator"),
    ),
    (
        attribute_condition("orders.totalCount", "CONTAINS", "1"),
        "OPERATOR_NOT_APPLICABLE",
        ("attribute", "operator"),
    ),
    (
        attribute_condition("metadata.flag", "IN", [True]),
        "OPERATOR_NOT_APPLICABLE",
        ("attribute", "operator"),
    ),
    (
        attribute_condition("name", "CONTAINS_ANY", ["x"]),
        "OPERATOR_NOT_APPLICABLE",
        ("attribute", "operator"),
    ),
    (
        attribute_condition("metadata.num", "SIZE_IS", 1),
        "OPERATOR_NOT_APPLICABLE",
        ("attribute", "operator"),
    ),
    (
        attribute_condition("events.a.count", "SIZE_IS", 1),
        "OPERATOR_NOT_APPLICABLE",
        ("attribute", "operator"),
    ),
    (attribute_condition("metadata.tags", "CONTAINS_ALL", "x"), "INVALID_VALUE", VALUE_PATH),
    (attribute_condition("metadata.tags", "CONTAINS_ALL", []), "INVALID_VALUE", VALUE_PATH),
    (
        attribute_condition("metadata.tags", "CONTAINS_NONE", ["x", 5]),
        "INVALID_VALUE",
        (*VALUE_PATH, "1"),
    ),
    (
        attribute_condition("metadata.free", "CONTAINS_ANY", ["x", None]),
        "INVALID_VALUE",
        (*VALUE_PATH, "1"),
    ),
    (attribute_condition("metadata.free", "SIZE_IS", 1.5), "INVALID_VALUE", VALUE_PATH),
    (attribute_condition("metadata.free", "SIZE_IS", True), "INVALID_VALUE", VALUE_PATH),
    (attribute_condition("metadata.free", "SIZE_IS", 2**63), "INVALID_VALUE", VALUE_PATH),
    (
        attribute_condition("metadata.free", "SIZE_IS", 1, ignoreCase=True),
        "INVALID_VALUE",
        ("attribute", "ignoreCase"),
    ),
    (
        attribute_condition("metadata.place", "IS", "x"),
        "OPERATOR_NOT_APPLICABLE",
        ("attribute", "operator"),
    ),
    (
        attribute_condition("name", "IN_PERIOD", "TODAY"),
        "OPERATOR_NOT_APPLICABLE",
        ("attribute", "operator"),
    ),
    (attribute_condition("createdAt", "ON", "2026-03-29T12:00:00Z"), "INVALID_VALUE", VALUE_PATH),
    (attribute_condition("createdAt", "ON", 5), "INVALID_VALUE", VALUE_PATH),
    (attribute_condition("createdAt", "DAYS_AGO", -1), "INVALID_VALUE", VALUE_PATH),
    (attribute_condition("createdAt", "DAYS_AGO", True), "INVALID_VALUE", VALUE_PATH),
    (attribute_condition("createdAt", "DAYS_AHEAD", 1.5), "INVALID_VALUE", VALUE_PATH),
    (attribute_condition("createdAt", "DAYS_AHEAD", 36_526), "INVALID_VALUE", VALUE_PATH),
    (attribute_condition("createdAt", "IN_PERIOD", "today"), "INVALID_VALUE", VALUE_PATH),
    (attribute_condition("createdAt", "IN_PERIOD", ["TODAY"]), "INVALID_VALUE", VALUE_PATH),
    (attribute_condition("birthdate", "YEARS_AGO", 1_001), "INVALID_VALUE", VALUE_PATH),
    (attribute_condition("birthdate", "YEARS_AGO", [None, None]), "INVALID_VALUE", VALUE_PATH),
    (attribute_condition("birthdate", "YEARS_AGO", [18]), "INVALID_VALUE", VALUE_PATH),
    (attribute_condition("birthdate", "YEARS_AGO", [18, -1]), "INVALID_VALUE", (*VALUE_PATH, "1")),
    (attribute_condition("birthdate", "YEARS_AGO", [30, 18]), "INVALID_VALUE", VALUE_PATH),
    (attribute_condition("birthdate", "YEARS_AGO"), "INVALID_VALUE", VALUE_PATH),
    (attribute_condition("name", "IS"), "INVALID_VALUE", VALUE_PATH),
    (attribute_condition("name", "IS", 5), "INVALID_VALUE", VALUE_PATH),
    (attribute_condition("name", "IS", ["x"]), "INVALID_VALUE", VALUE_PATH),
    (attribute_condition("name", "IS", {"a": 1}), "INVALID_VALUE", VALUE_PATH),
    (attribute_condition("name", "IS", "x" * 1_001), "INVALID_VALUE", VALUE_PATH),
    (attribute_condition("name", "IS", "a\0b"), "INVALID_VALUE", VALUE_PATH),
    (attribute_condition("name", "IS", "a\ud800b"), "INVALID_VALUE", VALUE_PATH),
    (attribute_condition("name", "HAS_VALUE", "x"), "INVALID_VALUE", VALUE_PATH),
    (attribute_condition("name", "CONTAINS", ""), "INVALID_VALUE", VALUE_PATH),
    (attribute_condition("metadata.free", "CONTAINS", 5), "INVALID_VALUE", VALUE_PATH),
    (attribute_condition("metadata.free", "IS", None), "INVALID_VALUE", VALUE_PATH),
    (attribute_condition("metadata.free", "IS", []), "INVALID_VALUE", VALUE_PATH),
    (attribute_condition("metadata.flag", "IS", 1), "INVALID_VALUE", VALUE_PATH),
    (attribute_condition("metadata.num", "IS", "5"), "INVALID_VALUE", VALUE_PATH),
    (attribute_condition("metadata.num", "IS", True), "INVALID_VALUE", VALUE_PATH),
    (attribute_condition("metadata.num", "IS", 2**63), "INVALID_VALUE", VALUE_PATH),
    (attribute_condition("metadata.num", "IS", -(2**63) - 1), "INVALID_VALUE", VALUE_PATH),
    (attribute_condition("metadata.num", "IS", float("nan")), "INVALID_VALUE", VALUE_PATH),
    (attribute_condition("metadata.num", "LESS_THAN", float("inf")), "INVALID_VALUE", VALUE_PATH),
    (attribute_condition("metadata.free", "GREATER_THAN", "5"), "INVALID_VALUE", VALUE_PATH),
    (attribute_condition("name", "IN", "x"), "INVALID_VALUE", VALUE_PATH),
    (attribute_condition("name", "IN", []), "INVALID_VALUE", VALUE_PATH),
    (attribute_condition("name", "IN", ["x"] * 10_001), "INVALID_VALUE", VALUE_PATH),
    (attribute_condition("name", "IN", ["x", 5]), "INVALID_VALUE", (*VALUE_PATH, "1")),
    (attribute_condition("metadata.free", "IN", ["x", True]), "INVALID_VALUE", (*VALUE_PATH, "1")),
    (attribute_condition("metadata.free", "IN", ["x", None]), "INVALID_VALUE", (*VALUE_PATH, "1")),
    (attribute_condition("metadata.num", "BETWEEN", [1]), "INVALID_VALUE", VALUE_PATH),
    (attribute_condition("metadata.num", "BETWEEN", [1, 2, 3]), "INVALID_VALUE", VALUE_PATH),
    (attribute_condition("metadata.num", "BETWEEN", [2, 1]), "INVALID_VALUE", VALUE_PATH),
    (attribute_condition("metadata.num", "BETWEEN", [1, "2"]), "INVALID_VALUE", (*VALUE_PATH, "1")),
    (
        attribute_condition("birthdate", "BETWEEN", ["2026-02-01", "2026-01-01"]),
        "INVALID_VALUE",
        VALUE_PATH,
    ),
    (
        attribute_condition("metadata.free", "BETWEEN", ["a", "b"]),
        "INVALID_VALUE",
        (*VALUE_PATH, "0"),
    ),
    (attribute_condition("birthdate", "BEFORE", "2026-02-29"), "INVALID_VALUE", VALUE_PATH),
    (attribute_condition("birthdate", "BEFORE", "0000-01-01"), "INVALID_VALUE", VALUE_PATH),
    (attribute_condition("birthdate", "BEFORE", "99999-01-01"), "INVALID_VALUE", VALUE_PATH),
    (
        attribute_condition("birthdate", "BEFORE", "9999-12-29T23:00:00-12:00"),
        "INVALID_VALUE",
        VALUE_PATH,
    ),
    (attribute_condition("birthdate", "BEFORE", "tomorrow"), "INVALID_VALUE", VALUE_PATH),
    (attribute_condition("birthdate", "BEFORE", 5), "INVALID_VALUE", VALUE_PATH),
    (attribute_condition("createdAt", "IS", "2026-03-29T25:00:00Z"), "INVALID_VALUE", VALUE_PATH),
    (attribute_condition("createdAt", "WITHIN_LAST", "P1M"), "INVALID_VALUE", VALUE_PATH),
    (attribute_condition("createdAt", "WITHIN_LAST", "PT0S"), "INVALID_VALUE", VALUE_PATH),
    (attribute_condition("createdAt", "WITHIN_LAST", "P36526D"), "INVALID_VALUE", VALUE_PATH),
    (attribute_condition("createdAt", "WITHIN_LAST", 30), "INVALID_VALUE", VALUE_PATH),
    (
        attribute_condition("createdAt", "BEFORE", "2026-01-01", ignoreCase=True),
        "INVALID_VALUE",
        ("attribute", "ignoreCase"),
    ),
    (
        attribute_condition("metadata.num", "IS", 5, ignoreCase=True),
        "INVALID_VALUE",
        ("attribute", "ignoreCase"),
    ),
    (
        attribute_condition("name", "HAS_VALUE", ignoreCase=True),
        "INVALID_VALUE",
        ("attribute", "ignoreCase"),
    ),
    ({"event": {"name": ""}}, "INVALID_VALUE", ("event", "name")),
    ({"event": {"name": "n" * 101}}, "INVALID_VALUE", ("event", "name")),
    ({"event": {"name": "a\0"}}, "INVALID_VALUE", ("event", "name")),
    ({"event": {"name": "a\ud800"}}, "INVALID_VALUE", ("event", "name")),
    (
        event_condition(operator="CONTAINS", value="x"),
        "OPERATOR_NOT_APPLICABLE",
        ("event", "operator"),
    ),
    (event_condition(operator="IN", value=[1]), "OPERATOR_NOT_APPLICABLE", ("event", "operator")),
    (event_condition(operator="HAS_VALUE"), "OPERATOR_NOT_APPLICABLE", ("event", "operator")),
    (event_condition(value="3"), "INVALID_VALUE", ("event", "value")),
    (event_condition(operator="BETWEEN"), "INVALID_VALUE", ("event", "value")),
    (event_condition(within={"last": "P1Y"}), "INVALID_VALUE", ("event", "within", "last")),
    (
        event_condition(
            within={"between": {"from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z"}}
        ),
        "INVALID_VALUE",
        ("event", "within", "between"),
    ),
    (
        event_condition(
            within={"between": {"from": "2026-01-02T00:00:00", "to": "2026-01-03T00:00:00Z"}}
        ),
        "INVALID_VALUE",
        ("event", "within", "between"),
    ),
    (
        event_condition(aggregate={"function": "SUM", "property": "$a"}),
        "UNKNOWN_ATTRIBUTE",
        ("event", "aggregate", "property"),
    ),
    (
        event_condition(where=[NAME_CONDITION | {"path": ""}]),
        "UNKNOWN_ATTRIBUTE",
        ("event", "where", "0", "path"),
    ),
    (
        event_condition(where=[NAME_CONDITION, {"path": "a", "operator": "IN", "value": []}]),
        "INVALID_VALUE",
        ("event", "where", "1", "value"),
    ),
    (
        {"event": {"name": "order", "where": [{"path": "amount", "operator": "CONTAINS"}]}},
        "OPERATOR_NOT_APPLICABLE",
        ("event", "where", "0", "operator"),
    ),
    ({"all": [{"attribute": NAME_CONDITION}] * 201}, "FILTER_TOO_COMPLEX", ()),
    ({"all": [event_condition(where=[NAME_CONDITION] * 200)]}, "FILTER_TOO_COMPLEX", ()),
    ({"all": [{"any": []}] * 201}, "FILTER_TOO_COMPLEX", ()),
    ({"all": [attribute_condition("name", "IN", ["x"] * 6_667)] * 3}, "FILTER_TOO_COMPLEX", ()),
]


@pytest.mark.parametrize(("wire", "code", "path"), REFUSALS, ids=range(len(REFUSALS)))
def test_refused(wire: Wire, code: str, path: tuple[str, ...]) -> None:
    assert codes_and_paths(wire) == [(code, path)]


def nested_none_groups(levels: int) -> Wire:
    wire: Wire = {"attribute": NAME_CONDITION}
    for _ in range(levels):
        wire = {"none": [wire]}
    return wire


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


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        (
            attribute_condition("name", "HAS_VALUE"),
            {"attribute": {"path": "name", "operator": "HAS_VALUE"}},
        ),
        (attribute_condition("name", "IS", "Ann", ignoreCase=False), {"attribute": NAME_CONDITION}),
        (
            attribute_condition("name", "IS", "Ann", ignoreCase=True),
            {"attribute": NAME_CONDITION | {"ignoreCase": True}},
        ),
        ({"all": None, "attribute": NAME_CONDITION}, {"attribute": NAME_CONDITION}),
        (
            event_condition(operator="GREATER_THAN_OR_EQUAL", value=1, where=[], within=None),
            event_condition(),
        ),
        (event_condition(operator="IS", value=1), event_condition(operator="IS")),
        (event_condition(value=1.0), event_condition(value=1.0)),
        (event_condition(value=0), event_condition(value=0)),
        (
            {"any": [event_condition(where=[NAME_CONDITION | {"ignoreCase": False}])]},
            {"any": [event_condition(where=[NAME_CONDITION])]},
        ),
        ({"all": [{"attribute": NAME_CONDITION}]}, {"all": [{"attribute": NAME_CONDITION}]}),
    ],
)
def test_what_was_sent_comes_back_without_defaults(sent: Wire, stored: Wire) -> None:
    assert canonical(sent) == stored
    assert repr(canonical(sent)) == repr(canonical(stored))


def test_parsed_canonical_and_parsed_again_is_the_same(
    filter_strategies: FilterStrategies, dual_evaluator: DualEvaluator
) -> None:
    @settings(
        max_examples=300, deadline=None, derandomize=True, suppress_health_check=[*HealthCheck]
    )
    @given(filter_strategies.filters())
    def stable(wire: Wire) -> None:
        tree = parse(wire, CATALOG)
        again = canonical(wire)
        assert parse(again, CATALOG) == tree
        assert canonical(again) == again
        assert hash(tree) == hash(parse(again, CATALOG))

    stable()


def test_one_branch_is_enough() -> None:
    tree = parse({"all": [{"attribute": NAME_CONDITION}]}, CATALOG)
    assert isinstance(tree, AllOf)
    assert len(tree.branches) == 1
