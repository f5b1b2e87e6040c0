"""Voucherify's filters as ours: what there is, what there is not, and what is no filter."""

import re
from typing import Any

import pytest

from app.errors import InputError
from app.filters import AttributeType, Catalog, MetadataType, voucherify
from app.filters.voucherify.fields import PATHS_BY_FIELD
from app.filters.voucherify.fields import UNSUPPORTED_FIELDS as FIELDS_WITHOUT
from app.filters.voucherify.operators import TRANSLATIONS, UNSUPPORTED_OPERATORS

Json = dict[str, Any]

# What the server names where it refuses an operator, and four names that are met elsewhere.
OPERATORS = (
    *("$active", "$after", "$before", "$before_start", "$contains", "$count", "$count_less"),
    *("$count_more", "$disabled", "$ends_with", "$enabled", "$expired", "$failed", "$has_value"),
    *("$in", "$in_progress", "$includes", "$intersects", "$is", "$is_day", "$is_day_of_month"),
    *("$is_days_ago", "$is_days_ago_md", "$is_days_in_future", "$is_days_in_future_md"),
    *("$is_less_days_ago_md", "$is_less_days_in_future_md", "$is_month", "$is_more_days_ago_md"),
    *("$is_more_days_in_future_md", "$is_not", "$is_unknown", "$is_year", "$is_years_ago"),
    *("$last_month", "$last_month_md", "$last_week", "$last_week_md", "$last_year", "$less_than"),
    *("$less_than_ago", "$less_than_equal", "$less_than_future", "$more_than", "$more_than_ago"),
    *("$more_than_equal", "$more_than_future", "$next_month", "$next_month_md", "$next_week"),
    *("$next_week_md", "$next_year", "$not_contain", "$not_in", "$redeemable", "$redeemed"),
    *("$starts_with", "$this_month", "$this_month_md", "$this_week", "$this_week_md"),
    *("$this_year", "$today", "$today_md", "$tomorrow", "$tomorrow_md", "$yesterday"),
    "$yesterday_md",
)
OPERATORS_WITH_ADVICE = ("$after_equal", "$before_equal", "$in_location", "$not_in_location")

CATALOG = Catalog(
    {
        "flag": MetadataType(AttributeType.BOOLEAN),
        "num": MetadataType(AttributeType.NUMBER),
        "text": MetadataType(AttributeType.STRING),
        "day": MetadataType(AttributeType.DATE),
        "at": MetadataType(AttributeType.DATETIME),
        "tags": MetadataType(AttributeType.STRING, is_array=True),
        "scores": MetadataType(AttributeType.NUMBER, is_array=True),
        "place": MetadataType(AttributeType.GEOPOINT),
    }
)


def voucherify_field(key: str, **conditions: Any) -> Json:
    """A filter of theirs on one field; the operators without their dollars, and with an underscore
    where the name is one of Python's."""
    python_names = {"is_": "is", "in_": "in"}
    operators = {f"${python_names.get(name, name)}": value for name, value in conditions.items()}
    return {key: {"conditions": operators}}


def translate(voucherify_filter: Any) -> Json:
    return voucherify.translate(voucherify_filter, CATALOG, "filter")


def codes_and_paths(voucherify_filter: Any) -> list[tuple[str, tuple[str, ...]]]:
    """Codes and paths; none where there is a filter of ours."""
    try:
        translate(voucherify_filter)
    except InputError as refused:
        problems_found = refused.problems
    else:
        return []
    assert problems_found
    assert all(problem.message and problem.path[0] == "filter" for problem in problems_found)
    return [(problem.code.value, problem.path) for problem in problems_found]


def attribute(path: str, operator: str, *value: Any) -> Json:
    wire = {"path": path, "operator": operator}
    return {"attribute": {**wire, "value": value[0]} if value else wire}


EXAMPLES: list[tuple[Json, Json]] = [
    (
        {
            "junction": "and",
            "created_at": {"conditions": {"$after": ["2021-12-01T00:00:00.000Z"]}},
        },
        attribute("createdAt", "AFTER", "2021-12-01T00:00:00.000Z"),
    ),
    (
        {
            "junction": "and",
            "birthdate": {"conditions": {"$next_month": [True]}},
            "address.country": {"conditions": {"$is": "Poland"}},
            "metadata.club_level": {"conditions": {"$in": ["Gold", "Silver"]}},
        },
        {
            "all": [
                attribute("birthdate", "ANNIVERSARY_IN_PERIOD", "NEXT_MONTH"),
                attribute("address.country", "IS", "Poland"),
                attribute("metadata.club_level", "IN", ["Gold", "Silver"]),
            ]
        },
    ),
    (
        {"junction": "and", "events.payment_placed.count": {"conditions": {"$more_than": ["0"]}}},
        attribute("events.payment_placed.count", "GREATER_THAN", 0),
    ),
    (
        {"junction": "and", "summary.orders.total_count": {"conditions": {"$is": [0]}}},
        attribute("orders.totalCount", "IS", 0),
    ),
]
UNSUPPORTED_EXAMPLES: list[tuple[Json, tuple[str, tuple[str, ...]]]] = [
    (
        {
            "junction": "and",
            "loyalty_points.campaigns.Tiers 2.points": {"conditions": {"$more_than_equal": [41]}},
        },
        ("UNKNOWN_ATTRIBUTE", ("filter", "loyalty_points.campaigns.Tiers 2.points")),
    ),
    (
        {
            "junction": "and",
            "loyalty.referred_customers.campaigns.Referral Campaign 10": {
                "conditions": {"$less_than": ["2"]}
            },
        },
        (
            "UNKNOWN_ATTRIBUTE",
            ("filter", "loyalty.referred_customers.campaigns.Referral Campaign 10"),
        ),
    ),
    (
        {"metadata.product_location": {"conditions": {"$in_location": ["loc_..."]}}},
        (
            "OPERATOR_NOT_APPLICABLE",
            ("filter", "metadata.product_location", "conditions", "$in_location"),
        ),
    ),
]


@pytest.mark.parametrize(("theirs", "expected"), EXAMPLES, ids=range(len(EXAMPLES)))
def test_published_examples(theirs: Json, expected: Json) -> None:
    assert translate(theirs) == expected


@pytest.mark.parametrize(
    ("theirs", "problem"), UNSUPPORTED_EXAMPLES, ids=range(len(UNSUPPORTED_EXAMPLES))
)
def test_published_examples_without_a_counterpart(
    theirs: Json, problem: tuple[str, tuple[str, ...]]
) -> None:
    assert codes_and_paths(theirs) == [problem]


def test_each_operator_is_translated_or_named() -> None:
    assert len(OPERATORS) == 68
    assert {
        *OPERATORS,
        *OPERATORS_WITH_ADVICE,
    } <= TRANSLATIONS.keys() | UNSUPPORTED_OPERATORS.keys()
    assert TRANSLATIONS.keys() & UNSUPPORTED_OPERATORS.keys() == set()
    for name, why in UNSUPPORTED_OPERATORS.items():
        at = ("filter", "metadata.x", "conditions", name)
        theirs = {"metadata.x": {"conditions": {name: [1]}}}
        assert codes_and_paths(theirs) == [("OPERATOR_NOT_APPLICABLE", at)]
        with pytest.raises(InputError, match=why[:30]):
            translate(theirs)


@pytest.mark.parametrize("key", PATHS_BY_FIELD)
def test_each_field_is_one_of_ours(key: str) -> None:
    assert translate(voucherify_field(key, has_value=True)) == attribute(
        PATHS_BY_FIELD[key], "HAS_VALUE"
    )


@pytest.mark.parametrize("key", [*FIELDS_WITHOUT, *(f"{key}.x y.z" for key in FIELDS_WITHOUT)])
def test_each_field_without_a_counterpart_is_named(key: str) -> None:
    theirs = voucherify_field(key, has_value=True)
    assert codes_and_paths(theirs) == [("UNKNOWN_ATTRIBUTE", ("filter", key))]
    with pytest.raises(InputError, match=re.escape(FIELDS_WITHOUT[key.removesuffix(".x y.z")])):
        translate(theirs)


AND_FILTER = {
    "name": {"conditions": {"$is": "Ann", "$ends_with": "n"}},
    **voucherify_field("email", is_unknown=True),
}


@pytest.mark.parametrize("junction", [{}, {"junction": "and"}, {"junction": "AND"}])
def test_fields_are_joined_by_and(junction: Json) -> None:
    named = [attribute("name", "IS", "Ann"), attribute("name", "ENDS_WITH", "n")]
    assert translate({**junction, **AND_FILTER}) == {
        "all": [*named, attribute("email", "HAS_NO_VALUE")]
    }


@pytest.mark.parametrize("junction", ["or", "OR"])
def test_fields_are_joined_by_or_and_the_operators_of_one_by_and(junction: str) -> None:
    named = {"all": [attribute("name", "IS", "Ann"), attribute("name", "ENDS_WITH", "n")]}
    without = attribute("email", "HAS_NO_VALUE")
    assert translate({**AND_FILTER, "junction": junction}) == {"any": [named, without]}
    several = {
        **voucherify_field("name", starts_with=["A", "B"]),
        **voucherify_field("email", is_unknown=True),
    }
    begins = [attribute("name", "STARTS_WITH", text) for text in "AB"]
    assert translate({**several, "junction": junction}) == {"any": [*begins, without]}


def test_a_definition_decides() -> None:
    theirs = voucherify_field("metadata.key", more_than=["30"])
    for type_, expected in (
        (None, attribute("metadata.key", "GREATER_THAN", 30)),
        (AttributeType.NUMBER, attribute("metadata.key", "GREATER_THAN", 30)),
        (AttributeType.DATE, attribute("metadata.key", "MORE_THAN_AGO", "P30D")),
    ):
        catalog = Catalog({"key": MetadataType(type_)} if type_ else {})
        assert voucherify.translate(theirs, catalog) == expected
    text = Catalog({"key": MetadataType(AttributeType.STRING)})
    message = r"GREATER_THAN does not apply to 'metadata\.key', a STRING"
    with pytest.raises(InputError, match=message):
        voucherify.translate(theirs, text)


NAME_FIELD = voucherify_field("name", has_value=True)["name"]
NAME_PATH = ("filter", "name", "conditions")
INVALID_JUNCTIONS: list[Any] = ["xor", "", "android", ["and"], 5, {}, "and" * 100_000]
INVALID_FIELDS: list[Any] = [None, "Ann", [], {}, 5]
REFUSALS: list[tuple[Any, str, tuple[str, ...]]] = [
    *(
        (theirs, "INVALID", ("filter",))
        for theirs in (None, "x", 5, True, [], [{"name": NAME_FIELD}])
    ),
    ({}, "FILTER_EMPTY", ("filter",)),
    ({"junction": "and"}, "FILTER_EMPTY", ("filter",)),
    *(
        ({"junction": junction, "name": NAME_FIELD}, "INVALID_VALUE", ("filter", "junction"))
        for junction in INVALID_JUNCTIONS
    ),
    *(({"name": asked}, "INVALID", ("filter", "name")) for asked in INVALID_FIELDS),
    ({"name": {"conditions": []}}, "INVALID", ("filter", "name")),
    ({"name": {"conditions": {}}}, "FILTER_EMPTY", NAME_PATH),
    ({"name": {**NAME_FIELD, "junction": "or"}}, "INVALID", ("filter", "name", "junction")),
    *(
        (voucherify_field(key, has_value=True), "UNKNOWN_ATTRIBUTE", ("filter", key))
        for key in (
            *("", "nam", "$where", "a\0b", "x" * 100_000, "metadata", "metadata.", "metadata.a..b"),
            *("metadata.$a", "metadata.\0", "metadata.num.inner", "events", "events.count"),
            *("events..count", "events.a.lastAt", "events.order.count", "loyalty", "address"),
        )
    ),
    *(
        (
            voucherify_field("name", **{name: [1]}),
            "OPERATOR_NOT_APPLICABLE",
            (*NAME_PATH, f"${name}"),
        )
        for name in ("", "where", "IS", "is_da", "x" * 100_000, "\0", "more_than", "count")
    ),
    *(
        (voucherify_field("name", **{name: value}), "INVALID_VALUE", (*NAME_PATH, f"${name}"))
        for name, value in (
            ("is", None),
            ("is", []),
            ("is", [None]),
            ("is", 1.5),
            ("is", {"$gt": ""}),
            ("in", ["Ann", True]),
            ("contains", ""),
            ("contains", ["", "", ""]),
            ("starts_with", ["a", "b\0"]),
            ("has_value", False),
            ("has_value", [True, "no"]),
            ("has_value", None),
        )
    ),
    *(
        (
            voucherify_field("summary.orders.last_order_date", **{name: value}),
            "INVALID_VALUE",
            ("filter", "summary.orders.last_order_date", "conditions", f"${name}"),
        )
        for name, value in (
            ("less_than", -1),
            ("less_than", "soon"),
            ("less_than", [1, 2]),
            ("more_than_ago", [1.5]),
            ("more_than_ago", 36_526),
            ("more_than_future", 10**40),
            ("is_days_ago", "9" * 30),
            ("is_days_ago", True),
            ("after", "yesterday"),
            ("after", ["2026-01-01", "2026-01-02"]),
            ("is_year", -5),
            ("is_year", 1e300),
            ("is_years_ago", "1e999"),
            ("next_month", 5),
            ("is_years_ago", True),
        )
    ),
    (
        voucherify_field("birthdate", is_years_ago=60, is_days_in_future_md=[0, 3]),
        "INVALID_VALUE",
        ("filter", "birthdate", "conditions", "$is_years_ago"),
    ),
    (
        voucherify_field("metadata.place", is_="x"),
        "OPERATOR_NOT_APPLICABLE",
        ("filter", "metadata.place", "conditions", "$is"),
    ),
    *(
        (theirs, "FILTER_TOO_COMPLEX", ("filter",))
        for theirs in (
            {f"metadata.k{n}": NAME_FIELD for n in range(201)},
            {"name": {"conditions": {f"${n}": 1 for n in range(201)}}},
            voucherify_field("name", in_=["x"] * 10_001, not_in=["x"] * 10_001),
        )
    ),
    (
        voucherify_field("name", contains=["x"] * 201),
        "FILTER_TOO_COMPLEX",
        (*NAME_PATH, "$contains"),
    ),
]


@pytest.mark.parametrize(("theirs", "code", "path"), REFUSALS, ids=range(len(REFUSALS)))
def test_refused(theirs: Any, code: str, path: tuple[str, ...]) -> None:
    assert codes_and_paths(theirs) == [(code, path)]


def test_days_of_less_than_none_are_explained() -> None:
    with pytest.raises(InputError, match="days ago and days ahead have operators each"):
        translate(voucherify_field("created_at", less_than=-1))


def test_all_problems_at_once() -> None:
    theirs = {
        "junction": "nor",
        "name": {"conditions": {"$is": [], "$is_day": [1], "$ends_with": "x"}},
        "publications.created_at": {"conditions": {"$is_month": [1], "$has_value": True}},
        "metadata.num": {"conditions": {"$contains": ["x"]}, "or": 1},
        "loyalty.points": 5,
    }
    assert codes_and_paths(theirs) == [
        ("INVALID_VALUE", (*NAME_PATH, "$is")),
        ("OPERATOR_NOT_APPLICABLE", (*NAME_PATH, "$is_day")),
        ("UNKNOWN_ATTRIBUTE", ("filter", "publications.created_at")),
        (
            "OPERATOR_NOT_APPLICABLE",
            ("filter", "publications.created_at", "conditions", "$is_month"),
        ),
        ("INVALID", ("filter", "metadata.num", "or")),
        (
            "OPERATOR_NOT_APPLICABLE",
            ("filter", "metadata.num", "conditions", "$contains"),
        ),
        ("INVALID", ("filter", "loyalty.points")),
        ("INVALID_VALUE", ("filter", "junction")),
    ]
