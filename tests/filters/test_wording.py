"""The text of a filter in one sentence."""

from typing import Any

import pytest
from hypothesis import given

from app.filters import describe, parse
from tests.filters.corpus import CATALOG
from tests.filters.dual_evaluator import DualEvaluator
from tests.filters.filter_strategies import FilterStrategies
from tests.random_cases import repeatable

Wire = dict[str, Any]


def attribute_condition(path: str, operator: str, value: Any = None, **more: Any) -> Wire:
    return {"attribute": {"path": path, "operator": operator, "value": value, **more}}


_EMAIL = attribute_condition("email", "ENDS_WITH", "@example.com")
_THREE_ORDERS = attribute_condition("orders.totalCount", "GREATER_THAN_OR_EQUAL", 3)
_VIP = attribute_condition("metadata.vip", "IS", True)

SENTENCES: list[tuple[Wire, str]] = [
    (
        {"all": [_EMAIL, {"any": [_THREE_ORDERS, _VIP]}]},
        'email ends with "@example.com" and any of: orders.totalCount is at least 3;'
        " metadata.vip is true",
    ),
    (
        {"all": [{"any": [_THREE_ORDERS, _VIP]}, {"none": [_EMAIL]}]},
        "(any of: orders.totalCount is at least 3; metadata.vip is true)"
        ' and none of: email ends with "@example.com"',
    ),
    (
        {"any": [{"all": [_THREE_ORDERS, _VIP]}, {"all": [_EMAIL]}]},
        "any of: (orders.totalCount is at least 3 and metadata.vip is true);"
        ' email ends with "@example.com"',
    ),
    (attribute_condition("name", "HAS_NO_VALUE"), "name has no value"),
    (attribute_condition("name", "IS", "Ann", ignoreCase=True), 'name is "Ann" (ignoring case)'),
    (attribute_condition("name", "CONTAINS", 'a "b"\nc'), 'name contains "a \\"b\\"\\nc"'),
    (attribute_condition("name", "STARTS_WITH", "x" * 900), f'name starts with "{"x" * 80}…"'),
    (
        attribute_condition("metadata.num", "BETWEEN", [1, 2.50]),
        "metadata.num is between 1 and 2.5",
    ),
    (
        attribute_condition("metadata.num", "GREATER_THAN", 100.0),
        "metadata.num is greater than 100",
    ),
    (attribute_condition("name", "IN", ["a"]), 'name is one of "a"'),
    (attribute_condition("name", "IN", ["a", "b", "c"]), 'name is one of "a", "b" and "c"'),
    (
        attribute_condition("metadata.num", "NOT_IN", list(range(10_000))),
        "metadata.num is none of 0, 1, 2 and 9,997 more",
    ),
    (
        attribute_condition("metadata.tags", "CONTAINS_ALL", ["a", "b"]),
        'metadata.tags contains all of "a" and "b"',
    ),
    (
        attribute_condition("metadata.tags", "SIZE_GREATER_THAN", 2),
        "metadata.tags has more than 2 elements",
    ),
    (attribute_condition("birthdate", "ON", "2026-03-29"), "birthdate is on 2026-03-29"),
    (attribute_condition("createdAt", "DAYS_AGO", 1), "createdAt is on the day 1 day ago"),
    (attribute_condition("createdAt", "DAYS_AHEAD", 30), "createdAt is on the day 30 days ahead"),
    (attribute_condition("createdAt", "IN_PERIOD", "LAST_WEEK"), "createdAt is last week"),
    (
        attribute_condition("birthdate", "ANNIVERSARY_IN_PERIOD", "THIS_MONTH"),
        "birthdate has an anniversary this month",
    ),
    (
        attribute_condition("birthdate", "ANNIVERSARY_WITHIN_NEXT_DAYS", 7),
        "birthdate has an anniversary within the next 7 days",
    ),
    (
        attribute_condition("birthdate", "ANNIVERSARY_DAYS_AGO", 1),
        "birthdate has an anniversary on the day 1 day ago",
    ),
    (attribute_condition("birthdate", "YEARS_AGO", 1), "birthdate is 1 full year ago"),
    (
        attribute_condition("birthdate", "YEARS_AGO", [18, 30]),
        "birthdate is 18 to 30 full years ago",
    ),
    (
        attribute_condition("birthdate", "YEARS_AGO", [18, None]),
        "birthdate is at least 18 full years ago",
    ),
    (
        attribute_condition("birthdate", "YEARS_AGO", [None, 17]),
        "birthdate is at most 17 full years ago",
    ),
    (
        attribute_condition("createdAt", "WITHIN_LAST", "P30D"),
        "createdAt is within the last 30 days",
    ),
    (
        attribute_condition("createdAt", "MORE_THAN_AGO", "PT90M"),
        "createdAt is more than 90 minutes ago",
    ),
    (
        attribute_condition("createdAt", "WITHIN_NEXT", "PT24H"),
        "createdAt is within the next 1 day",
    ),
    (
        attribute_condition("createdAt", "MORE_THAN_AHEAD", "P1DT1.5S"),
        "createdAt is more than 1 day 1 second 500 milliseconds ahead",
    ),
    (attribute_condition("birthdate", "BEFORE", "2000-02-29"), "birthdate is before 2000-02-29"),
    (
        attribute_condition("createdAt", "AFTER", "2026-03-29T14:00:00+02:00"),
        "createdAt is after 2026-03-29 12:00 UTC",
    ),
    (
        attribute_condition("createdAt", "ON_OR_AFTER", "2026-03-29T14:00:00.5"),
        "createdAt is on or after 2026-03-29 14:00:00.500",
    ),
    (
        attribute_condition(
            "metadata.place", "WITHIN_RADIUS", {"lat": 52.23, "lon": 21.01, "meters": 5000}
        ),
        "metadata.place is within 5 km of 52.23, 21.01",
    ),
    (
        attribute_condition(
            "metadata.place", "NOT_WITHIN_RADIUS", {"lat": -52.0, "lon": 0, "meters": 1250.5}
        ),
        "metadata.place is not within 1,250.5 m of -52, 0",
    ),
    (attribute_condition("metadata.x y.a", "IS", False), '"metadata.x y.a" is false'),
    ({"event": {"name": "purchase"}}, 'the number of "purchase" events is at least 1'),
    (
        {
            "event": {
                "name": "purchase",
                "where": [{"path": "amount", "operator": "GREATER_THAN", "value": 100}],
                "within": {"last": "P30D"},
                "value": 3,
            }
        },
        'the number of "purchase" events where amount is greater than 100'
        " within the last 30 days is at least 3",
    ),
    (
        {
            "event": {
                "name": "order",
                "aggregate": {"function": "SUM", "property": "amount"},
                "within": {
                    "between": {"from": "2026-01-01T00:00:00Z", "to": "2026-02-01T00:00:00Z"}
                },
                "operator": "BETWEEN",
                "value": [10, 20],
            }
        },
        "the sum of amount over orders from 2026-01-01 00:00 UTC to 2026-02-01 00:00 UTC"
        " is between 10 and 20",
    ),
    (
        {
            "event": {
                "name": "order.item",
                "where": [{"path": "category", "operator": "IS", "value": "shoes"}],
                "within": {"last": "P90D"},
                "value": 2,
            }
        },
        'bought an item whose category is "shoes" at least twice within the last 90 days',
    ),
    (
        {
            "event": {
                "name": "order.item",
                "where": [
                    {"path": "sku", "operator": "IN", "value": ["a", "b"]},
                    {"path": "amount", "operator": "GREATER_THAN", "value": 500},
                ],
            }
        },
        'bought an item whose sku is one of "a" and "b" and amount is greater than 500'
        " at least once",
    ),
    (
        {"event": {"name": "order.item", "operator": "BETWEEN", "value": [1, 3]}},
        "bought an item between 1 and 3 times",
    ),
    (
        {"event": {"name": "order.item", "operator": "IS", "value": 0}},
        "bought an item exactly 0 times",
    ),
    (
        {
            "event": {
                "name": "order.item",
                "where": [{"path": "category", "operator": "IS", "value": "shoes"}],
                "aggregate": {"function": "SUM", "property": "amount"},
                "operator": "GREATER_THAN",
                "value": 10_000,
            }
        },
        'the sum of amount over bought items where category is "shoes" is greater than 10000',
    ),
]


@pytest.mark.parametrize(("wire", "sentence"), SENTENCES, ids=range(len(SENTENCES)))
def test_sentence(wire: Wire, sentence: str) -> None:
    assert describe(parse(wire, CATALOG)) == sentence


def test_every_filter_is_one_line(
    filter_strategies: FilterStrategies, dual_evaluator: DualEvaluator
) -> None:
    @repeatable(300)
    @given(filter_strategies.filters())
    def one_line(wire: Wire) -> None:
        said = describe(parse(wire, CATALOG))
        assert said.strip()
        assert len(said.splitlines()) == 1

    one_line()
