"""A filter said in one sentence."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from app.filters import parse, text
from tests.filters.corpus import CATALOG
from tests.filters.judge import Judge
from tests.filters.wire import Filters

Wire = dict[str, Any]


def _is(path: str, operator: str, value: Any = None, **more: Any) -> Wire:
    return {"attribute": {"path": path, "operator": operator, "value": value, **more}}


_EMAIL = _is("email", "ENDS_WITH", "@example.com")
_OFTEN = _is("orders.totalCount", "GREATER_THAN_OR_EQUAL", 3)
_VIP = _is("metadata.vip", "IS", True)

SENTENCES: list[tuple[Wire, str]] = [
    (
        {"all": [_EMAIL, {"any": [_OFTEN, _VIP]}]},
        'email ends with "@example.com" and any of: orders.totalCount is at least 3;'
        " metadata.vip is true",
    ),
    (
        {"all": [{"any": [_OFTEN, _VIP]}, {"none": [_EMAIL]}]},
        "(any of: orders.totalCount is at least 3; metadata.vip is true)"
        ' and none of: email ends with "@example.com"',
    ),
    (
        {"any": [{"all": [_OFTEN, _VIP]}, {"all": [_EMAIL]}]},
        "any of: (orders.totalCount is at least 3 and metadata.vip is true);"
        ' email ends with "@example.com"',
    ),
    (_is("name", "HAS_NO_VALUE"), "name has no value"),
    (_is("name", "IS", "Ann", ignoreCase=True), 'name is "Ann" (ignoring case)'),
    (_is("name", "CONTAINS", 'a "b"\nc'), 'name contains "a \\"b\\"\\nc"'),
    (_is("name", "STARTS_WITH", "x" * 900), f'name starts with "{"x" * 80}…"'),
    (_is("metadata.num", "BETWEEN", [1, 2.50]), "metadata.num is between 1 and 2.5"),
    (_is("metadata.num", "GREATER_THAN", 100.0), "metadata.num is greater than 100"),
    (_is("name", "IN", ["a"]), 'name is one of "a"'),
    (_is("name", "IN", ["a", "b", "c"]), 'name is one of "a", "b" and "c"'),
    (
        _is("metadata.num", "NOT_IN", list(range(10_000))),
        "metadata.num is none of 0, 1, 2 and 9,997 more",
    ),
    (_is("metadata.tags", "CONTAINS_ALL", ["a", "b"]), 'metadata.tags contains all of "a" and "b"'),
    (_is("metadata.tags", "SIZE_GREATER_THAN", 2), "metadata.tags has more than 2 elements"),
    (_is("birthdate", "ON", "2026-03-29"), "birthdate is on 2026-03-29"),
    (_is("createdAt", "DAYS_AGO", 1), "createdAt is on the day 1 day ago"),
    (_is("createdAt", "DAYS_AHEAD", 30), "createdAt is on the day 30 days ahead"),
    (_is("createdAt", "IN_PERIOD", "LAST_WEEK"), "createdAt is last week"),
    (
        _is("birthdate", "ANNIVERSARY_IN_PERIOD", "THIS_MONTH"),
        "birthdate has an anniversary this month",
    ),
    (
        _is("birthdate", "ANNIVERSARY_WITHIN_NEXT_DAYS", 7),
        "birthdate has an anniversary within the next 7 days",
    ),
    (
        _is("birthdate", "ANNIVERSARY_DAYS_AGO", 1),
        "birthdate has an anniversary on the day 1 day ago",
    ),
    (_is("birthdate", "YEARS_AGO", 1), "birthdate is 1 full year ago"),
    (_is("birthdate", "YEARS_AGO", [18, 30]), "birthdate is 18 to 30 full years ago"),
    (_is("birthdate", "YEARS_AGO", [18, None]), "birthdate is at least 18 full years ago"),
    (_is("birthdate", "YEARS_AGO", [None, 17]), "birthdate is at most 17 full years ago"),
    (_is("createdAt", "WITHIN_LAST", "P30D"), "createdAt is within the last 30 days"),
    (_is("createdAt", "MORE_THAN_AGO", "PT90M"), "createdAt is more than 90 minutes ago"),
    (_is("createdAt", "WITHIN_NEXT", "PT24H"), "createdAt is within the next 1 day"),
    (
        _is("createdAt", "MORE_THAN_AHEAD", "P1DT1.5S"),
        "createdAt is more than 1 day 1 second 500 milliseconds ahead",
    ),
    (_is("birthdate", "BEFORE", "2000-02-29"), "birthdate is before 2000-02-29"),
    (
        _is("createdAt", "AFTER", "2026-03-29T14:00:00+02:00"),
        "createdAt is after 2026-03-29 12:00 UTC",
    ),
    (
        _is("createdAt", "ON_OR_AFTER", "2026-03-29T14:00:00.5"),
        "createdAt is on or after 2026-03-29 14:00:00.500",
    ),
    (
        _is("metadata.place", "WITHIN_RADIUS", {"lat": 52.23, "lon": 21.01, "meters": 5000}),
        "metadata.place is within 5 km of 52.23, 21.01",
    ),
    (
        _is("metadata.place", "NOT_WITHIN_RADIUS", {"lat": -52.0, "lon": 0, "meters": 1250.5}),
        "metadata.place is not within 1,250.5 m of -52, 0",
    ),
    (_is("metadata.x y.a", "IS", False), '"metadata.x y.a" is false'),
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
]


@pytest.mark.parametrize(("wire", "sentence"), SENTENCES, ids=range(len(SENTENCES)))
def test_sentence(wire: Wire, sentence: str) -> None:
    assert text(parse(wire, CATALOG)) == sentence


def test_every_filter_is_one_line(filters: Filters, judge: Judge) -> None:
    @settings(
        max_examples=300, deadline=None, derandomize=True, suppress_health_check=[*HealthCheck]
    )
    @given(filters.filters())
    def one_line(wire: Wire) -> None:
        said = text(parse(wire, CATALOG))
        assert said.strip()
        assert len(said.splitlines()) == 1

    one_line()
