"""The meaning of Voucherify's filters, evaluated for small customers after the conversion."""

import json
from typing import Any

import pytest

from app.filters import CustomerFacts, Now, holds, parse
from app.filters.voucherify.operators import TRANSLATIONS
from tests.filters.corpus import NOWS
from tests.filters.test_voucherify import CATALOG, Json, attribute, translate, voucherify_field
from tests.instants import utc

# Evaluated on Sunday, 2026-03-29, at noon: a filter, its field, values that match, and others.
MEANINGS: list[tuple[Json, str, list[Any], list[Any]]] = [
    # one of several, none of several
    (voucherify_field("name", is_="Ann"), "name", ["Ann"], ["ann", "Bob", None]),
    (voucherify_field("name", is_=["Ann", "Bob"]), "name", ["Ann", "Bob"], ["Cid", None]),
    (voucherify_field("name", is_not=["Ann", "Bob"]), "name", ["Cid", None], ["Ann", "Bob"]),
    (voucherify_field("name", is_not="Ann"), "name", ["Bob", None], ["Ann"]),
    (
        voucherify_field("name", in_=[f"n{n}" for n in range(50)]),
        "name",
        ["n0", "n49"],
        ["n50", None],
    ),
    (voucherify_field("name", not_in=["Ann"]), "name", ["Bob", None], ["Ann"]),
    (voucherify_field("name", starts_with=["A", "B"]), "name", ["Ann", "Bob"], ["xA", None]),
    (voucherify_field("name", contains="n"), "name", ["Ann"], ["Bob", None]),
    (voucherify_field("name", not_contain=["n", "x"]), "name", ["Bob", None], ["Ann", "xy"]),
    (voucherify_field("name", ends_with=["n"]), "name", ["Ann"], ["Bob", None]),
    (
        voucherify_field("address.postal_code", is_=[80331]),
        "address.postalCode",
        ["80331"],
        ["8033", None],
    ),
    # flags
    *(
        (voucherify_field("name", has_value=flag), "name", ["x", ""], [None])
        for flag in (True, [True], "", ["TRUE"], [""], [])
    ),
    (voucherify_field("name", is_unknown="true"), "name", [None], ["x", ""]),
    # numbers, from text too, and 0 and less
    (
        voucherify_field("summary.orders.total_count", is_=["0"]),
        "orders.totalCount",
        [0, None],
        [1],
    ),
    (voucherify_field("loyalty.points", more_than=[-5]), "loyalty.points", [-4, 0, None], [-5, -6]),
    (
        voucherify_field("metadata.num", is_=["5", "-2.5"]),
        "metadata.num",
        [5, 5.0, -2.5],
        ["5", 2.5, None],
    ),
    (voucherify_field("metadata.num", less_than="-1e2"), "metadata.num", [-101], [-100, None]),
    (
        voucherify_field("metadata.num", more_than_equal=["1"], less_than=3),
        "metadata.num",
        [1, 2],
        [0, 3, None],
    ),
    (voucherify_field("metadata.num", less_than_equal=[0]), "metadata.num", [0, -1], [1, None]),
    (voucherify_field("metadata.num", less_than_or_equal=0), "metadata.num", [0, -1], [1, None]),
    (
        voucherify_field("metadata.free", more_than_or_equal=["0"]),
        "metadata.free",
        [0, 1.5],
        [-1, "1", None],
    ),
    (voucherify_field("metadata.free", is_="5"), "metadata.free", ["5"], [5, None]),
    (
        voucherify_field("metadata.flag", is_=["true"]),
        "metadata.flag",
        [True],
        [False, "true", 1, None],
    ),
    (
        voucherify_field("metadata.flag", is_=["FALSE", True]),
        "metadata.flag",
        [True, False],
        [None],
    ),
    (
        voucherify_field("metadata.flag", is_not=["true", "false"]),
        "metadata.flag",
        [None],
        [True, False],
    ),
    (
        voucherify_field("metadata.free", in_=[True, 1, "x"]),
        "metadata.free",
        [True, 1, "x"],
        [False, 0, None],
    ),
    # instants
    (
        voucherify_field("created_at", after="2026-03-28"),
        "createdAt",
        [utc("2026-03-29")],
        [utc("2026-03-28T23:59"), None],
    ),
    (
        voucherify_field("created_at", before=["2026-03-28"]),
        "createdAt",
        [utc("2026-03-27")],
        [utc("2026-03-28")],
    ),
    (
        voucherify_field(
            "created_at", after_equal="2026-03-01", before_equal="2026-03-02T12:00:00Z"
        ),
        "createdAt",
        [utc("2026-03-01"), utc("2026-03-02T12:00")],
        [utc("2026-02-28T23:59"), utc("2026-03-02T12:01"), None],
    ),
    (
        voucherify_field("created_at", is_=["2026-03-28", "2026-03-29T08:00:00Z"]),
        "createdAt",
        [
            utc("2026-03-28"),
            utc("2026-03-28T23:59"),
            utc("2026-03-29T08:00"),
        ],
        [utc("2026-03-29T08:01"), None],
    ),
    (
        voucherify_field("created_at", is_not="2026-03-28"),
        "createdAt",
        [utc("2026-03-29"), None],
        [utc("2026-03-28T12:00")],
    ),
    (
        voucherify_field("birthdate", is_=["1990-02-28T00:00:00.000Z"]),
        "birthdate",
        [utc("1990-02-28")],
        [utc("1990-02-27"), None],
    ),
    (
        voucherify_field("birthdate", is_year="1990"),
        "birthdate",
        [utc("1990-01-01"), utc("1990-12-31")],
        [utc("1989-12-31"), utc("1991-01-01"), None],
    ),
    (
        voucherify_field("birthdate", is_year=800),
        "birthdate",
        [utc("0800-06-01")],
        [utc("1800-06-01"), None],
    ),
    (
        voucherify_field("metadata.at", is_year=[2024, 2025]),
        "metadata.at",
        [utc("2024-01-01"), utc("2025-12-31T23:59:59.999")],
        [utc("2023-12-31T23:59"), utc("2026-01-01"), None],
    ),
    # so many days ago and ahead
    *(
        (
            voucherify_field("summary.orders.last_order_date", **{name: ["30"]}),
            "orders.lastOrderAt",
            [utc("2026-03-29T11:00"), utc("2026-02-27T12:01")],
            [utc("2026-02-27T11:59"), utc("2026-03-29T13:00"), None],
        )
        for name in ("less_than", "less_than_ago")
    ),
    *(
        (
            voucherify_field("summary.orders.last_order_date", **{name: 30}),
            "orders.lastOrderAt",
            [utc("2026-02-27T11:59")],
            [utc("2026-02-27T12:01"), utc("2026-03-29T13:00"), None],
        )
        for name in ("more_than", "more_than_ago")
    ),
    (
        voucherify_field("metadata.at", more_than_ago=[0]),
        "metadata.at",
        [utc("2026-03-29T11:59:59.998")],
        [utc("2026-03-29T12:00"), None],
    ),
    (
        voucherify_field("metadata.at", less_than_future=2),
        "metadata.at",
        [utc("2026-03-31T11:59"), utc("2026-03-29T12:01")],
        [utc("2026-03-31T12:01"), utc("2026-03-29T11:59"), None],
    ),
    (
        voucherify_field("metadata.at", more_than_future=2),
        "metadata.at",
        [utc("2026-03-31T12:01")],
        [utc("2026-03-31T11:59"), None],
    ),
    (
        voucherify_field("metadata.at", is_days_ago=[1, 7]),
        "metadata.at",
        [
            utc("2026-03-28"),
            utc("2026-03-28T23:59"),
            utc("2026-03-22T12:00"),
        ],
        [utc("2026-03-27T23:59"), utc("2026-03-29"), None],
    ),
    (
        voucherify_field("metadata.at", is_days_in_future=0),
        "metadata.at",
        [utc("2026-03-29"), utc("2026-03-29T23:59")],
        [utc("2026-03-30"), None],
    ),
    # periods, with and without the year
    (
        voucherify_field("metadata.day", today=True),
        "metadata.day",
        [utc("2026-03-29")],
        [utc("2025-03-29")],
    ),
    (
        voucherify_field("metadata.day", last_week=[True]),
        "metadata.day",
        [utc("2026-03-16"), utc("2026-03-22")],
        [utc("2026-03-23"), utc("2026-03-15"), None],
    ),
    (
        voucherify_field("metadata.day", next_month_md=""),
        "metadata.day",
        [utc("1990-04-01"), utc("2026-04-30")],
        [utc("1990-03-31"), None],
    ),
    (
        voucherify_field("birthdate", today=True),
        "birthdate",
        [utc("1990-03-29")],
        [utc("1990-03-30"), None],
    ),
    (
        voucherify_field("birthdate", last_year=True),
        "birthdate",
        [utc("2025-05-05")],
        [utc("1990-05-05")],
    ),
    (
        voucherify_field("birthdate", is_days_ago_md=[2]),
        "birthdate",
        [utc("1990-03-27")],
        [utc("1990-03-28")],
    ),
    (
        voucherify_field("birthdate", is_less_days_in_future_md=7),
        "birthdate",
        [utc("1990-03-29"), utc("1990-04-05")],
        [utc("1990-04-06"), utc("1990-03-28"), None],
    ),
    (
        voucherify_field("birthdate", is_less_days_ago_md=[2]),
        "birthdate",
        [utc("1990-03-29"), utc("1990-03-27")],
        [utc("1990-03-26"), utc("1990-03-30"), None],
    ),
    (
        voucherify_field("birthdate", is_more_days_ago_md=7),
        "birthdate",
        [utc("1990-03-21"), utc("1990-03-30"), utc("2000-02-29")],
        [
            utc("1990-03-22"),
            utc("1990-03-29"),
            utc("2027-01-01"),
            None,
        ],
    ),
    (
        voucherify_field("birthdate", is_more_days_in_future_md=["7"]),
        "birthdate",
        [utc("1990-04-06"), utc("1990-03-28")],
        [utc("1990-04-05"), utc("1990-03-29"), None],
    ),
    # full years; a customer who turns 60 in three days is 59 today
    (
        voucherify_field("birthdate", is_years_ago=["18", 60]),
        "birthdate",
        [utc("2008-03-29"), utc("1966-01-01")],
        [utc("2008-03-30"), utc("1966-04-01"), None],
    ),
    (
        voucherify_field("birthdate", is_years_ago=60, is_days_in_future_md=3),
        "birthdate",
        [utc("1966-04-01")],
        [utc("1965-04-01"), utc("1966-04-02"), None],
    ),
    (
        voucherify_field("birthdate", is_years_ago=60, is_days_in_future_md=[0]),
        "birthdate",
        [utc("1966-03-29")],
        [utc("1967-03-29"), None],
    ),
    # arrays
    (voucherify_field("metadata.tags", count=["0"]), "metadata.tags", [[], None], [["a"]]),
    (
        voucherify_field("metadata.tags", count=[1, 3]),
        "metadata.tags",
        [["a"], ["a"] * 3],
        [["a", "b"], None],
    ),
    (
        voucherify_field("metadata.tags", count_more=1, count_less=3),
        "metadata.tags",
        [["a", "b"]],
        [["a"], []],
    ),
    (
        voucherify_field("metadata.tags", includes=["a", "b"]),
        "metadata.tags",
        [["b", "a"]],
        [["a"], [], None],
    ),
    (
        voucherify_field("metadata.scores", intersects=["1", 2]),
        "metadata.scores",
        [[1, 9], [2.0]],
        [["1"], []],
    ),
    (
        voucherify_field("metadata.tags", not_intersect="a"),
        "metadata.tags",
        [["b"], [], None],
        [["a", "b"]],
    ),
    (voucherify_field("metadata.tags", is_="a"), "metadata.tags", [["b", "a"]], [["b"], [], None]),
    # events, whose names may hold dots
    (
        voucherify_field("events.a.b.count", more_than_equal="2"),
        "events.a%2Eb.count",
        [2],
        [1, None],
    ),
]


# The names of our own periods, in their letters.
PERIODS = (
    *("today", "yesterday", "tomorrow", "this_week", "last_week", "next_week"),
    *("this_month", "last_month", "next_month", "this_year", "last_year", "next_year"),
)


def _holds(voucherify_filter: Json, path: str, stored: Any, now: Now = NOWS[0]) -> bool:
    document = stored
    for key in reversed(path.split(".")):
        document = {key: document}
    return holds(parse(translate(voucherify_filter), CATALOG), CustomerFacts(document), now)


@pytest.mark.parametrize(
    ("voucherify_filter", "path", "matching", "not_matching"),
    MEANINGS,
    ids=[json.dumps(m[0]) for m in MEANINGS],
)
def test_a_converted_filter_has_the_same_meaning(
    voucherify_filter: Json, path: str, matching: list[Any], not_matching: list[Any]
) -> None:
    assert [value for value in matching if not _holds(voucherify_filter, path, value)] == []
    assert [value for value in not_matching if _holds(voucherify_filter, path, value)] == []


def test_midnight_in_utc_is_that_day_whatever_the_zone() -> None:
    born = voucherify_field("birthdate", is_="1990-02-28T00:00:00.000Z")
    for now in NOWS:
        assert _holds(born, "birthdate", utc("1990-02-28"), now)
        assert not _holds(born, "birthdate", utc("1990-02-27"), now)


def test_the_last_anniversary_of_a_leap_day_was_up_to_365_days_ago() -> None:
    for today, far in (("2027-02-27", True), ("2027-02-28", False), ("2028-02-28", True)):
        now = Now(utc(f"{today}T12:00"), NOWS[0].calendar)
        voucherify_filter = voucherify_field("birthdate", is_more_days_ago_md=363)
        assert _holds(voucherify_filter, "birthdate", utc("2000-02-29"), now) is far


@pytest.mark.parametrize("period", PERIODS)
def test_periods_are_named_as_in_the_filter_language(period: str) -> None:
    plain = voucherify_field("metadata.day", **{period: True})
    assert translate(plain) == attribute("metadata.day", "IN_PERIOD", period.upper())
    if not period.endswith("year"):
        anniversary = attribute("metadata.day", "ANNIVERSARY_IN_PERIOD", period.upper())
        assert translate(voucherify_field("metadata.day", **{f"{period}_md": True})) == anniversary


def test_every_translation_has_a_case() -> None:
    judged = {name for m in MEANINGS for asked in m[0].values() for name in asked["conditions"]}
    periods = {f"${period}{end}" for period in PERIODS for end in ("", "_md")}
    assert TRANSLATIONS.keys() - judged - periods == set()
