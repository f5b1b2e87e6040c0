"""Filters that the parser rejects, each with the code and the path of the problem."""

from dataclasses import replace
from typing import Any

import pytest

from tests.filters.corpus import CATALOG
from tests.filters.parse_cases import (
    NAME_CONDITION,
    Wire,
    attribute_condition,
    codes_and_paths,
    event_condition,
    refusal_message,
)

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
        event_condition(within={"ago": {"from": "P60D", "to": "P1M"}}),
        "INVALID_VALUE",
        ("event", "within", "ago", "to"),
    ),
    (
        event_condition(within={"ago": {"from": "P30D", "to": "P60D"}}),
        "INVALID_VALUE",
        ("event", "within", "ago"),
    ),
    (
        event_condition(within={"ago": {"from": "P1D", "to": "PT24H"}}),
        "INVALID_VALUE",
        ("event", "within", "ago"),
    ),
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


INPUT_CATALOG = replace(CATALOG, pending_date_keys=frozenset({"soon"}))
A_DAY = "2026-03-29"


@pytest.mark.parametrize(
    ("operator", "value"),
    [
        ("BEFORE", A_DAY),
        ("ON", A_DAY),
        ("WITHIN_LAST", "P30D"),
        ("ANNIVERSARY_IN_PERIOD", "TODAY"),
        ("YEARS_AGO", 18),
        ("BETWEEN", [A_DAY, A_DAY]),
        ("BETWEEN", [1, "2026-03-29T12:00:00Z"]),
        ("GREATER_THAN", A_DAY),
        ("LESS_THAN_OR_EQUAL", "2026-03-29T12:00:00Z"),
    ],
)
def test_an_undefined_key_is_not_compared_with_dates(operator: str, value: Any) -> None:
    undefined = attribute_condition("metadata.free", operator, value)
    refused = [("OPERATOR_NOT_APPLICABLE", ("attribute", "operator"))]
    assert codes_and_paths(undefined, INPUT_CATALOG) == refused
    assert "Define the key 'free' as DATE or DATETIME first." in refusal_message(
        undefined, INPUT_CATALOG
    )

    for path in ("metadata.free.day", "metadata.thing.day"):
        inside = attribute_condition(path, operator, value)
        assert codes_and_paths(inside, INPUT_CATALOG) == refused

    where = {"path": "day", "operator": operator, "value": value}
    for name in ("purchase", "order"):
        event = {"event": {"name": name, "where": [where]}}
        assert codes_and_paths(event, INPUT_CATALOG) == [
            ("OPERATOR_NOT_APPLICABLE", ("event", "where", "0", "operator"))
        ]
        assert "Use `within`" in refusal_message(event, INPUT_CATALOG)


def test_other_conditions_on_undefined_keys_are_valid() -> None:
    for operator, value in (
        ("IS", A_DAY),
        ("IN", [A_DAY]),
        ("STARTS_WITH", "2026-"),
        ("HAS_VALUE", None),
        ("BETWEEN", [1, 2]),
        ("SIZE_IS", 1),
    ):
        assert (
            codes_and_paths(attribute_condition("metadata.free", operator, value), INPUT_CATALOG)
            == []
        )
    # The values of this key are being converted; the types of these are known.
    for path in ("metadata.soon", "metadata.at", "birthdate"):
        assert codes_and_paths(attribute_condition(path, "BEFORE", A_DAY), INPUT_CATALOG) == []
    # A stored filter stays valid when its key loses the definition.
    assert codes_and_paths(attribute_condition("metadata.free", "BEFORE", A_DAY)) == []
