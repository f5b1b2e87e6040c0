"""Filters on attributes of the customers' documents."""

from datetime import timedelta

from app.store.collections import SEARCH_WORDS_INDEX
from tests.benchmarks.million.activities import NOW
from tests.benchmarks.million.filter_case import FilterCase, Wire, attribute
from tests.benchmarks.million.handwritten_plans import (
    COUNTED_ORDERS,
    FindPlan,
    MembershipSteps,
    Plan,
    Query,
    complement_plan,
    customer_document_plans,
    days_ago,
    grouped_rows_plan,
    metadata_index_plan,
)


def _attribute_case(
    name: str,
    description: str,
    filter_: Wire,
    query: Query,
    *plans: Plan,
    with_index_hint: bool = False,
) -> FilterCase:
    """Returns a filter on the customer's document alone."""
    hinted_plans = [metadata_index_plan(query)] if with_index_hint else []
    return FilterCase(
        name,
        description,
        filter_,
        [*customer_document_plans(query), *hinted_plans, *plans],
        MembershipSteps(query),
    )


def _range_case(name: str, description: str, filter_: Wire, path: str, bounds: Query) -> FilterCase:
    """Returns a filter for a value within bounds; of an array, a single element must be within
    both."""
    array, element = {"$type": "array"}, {path: {"$elemMatch": bounds}}
    split_query = {"$or": [{path: {**bounds, "$not": array}}, element]}
    refined_query = {path: bounds, "$or": [{path: {"$not": array}}, element]}
    # MongoDB checks the bounds first, and arrays last.
    quick_query = {path: bounds, "$nor": [{path: {**array, "$not": {"$elemMatch": bounds}}}]}
    loose = "an array with an element on each side meets it"
    return _attribute_case(
        name,
        description,
        filter_,
        split_query,
        metadata_index_plan(split_query, "split"),
        *customer_document_plans(refined_query, "refined"),
        metadata_index_plan(refined_query, "refined"),
        *customer_document_plans(quick_query, "quick"),
        *customer_document_plans({path: bounds}, "simple", loose=loose),
    )


def _between_case(description: str, key: str, minimum: int, maximum: int) -> FilterCase:
    path = f"metadata.{key}"
    filter_ = attribute(path, "BETWEEN", [minimum, maximum])
    return _range_case(key, description, filter_, path, {"$gte": minimum, "$lte": maximum})


_THOUSAND_PRODUCTS = [f"product-{number:05}" for number in range(0, 10_000, 10)]
_NEXT_EIGHT_DAYS = [NOW.date() + timedelta(ahead) for ahead in range(8)]


def _birthday_case() -> FilterCase:
    month_and_day = {
        "$add": [{"$multiply": [{"$month": "$birthdate"}, 100]}, {"$dayOfMonth": "$birthdate"}]
    }
    is_listed_day = {
        "$in": [month_and_day, [100 * day.month + day.day for day in _NEXT_EIGHT_DAYS]]
    }
    # None before the first one.
    computed = {"birthdate": {"$lt": days_ago(-7)}, "$expr": is_listed_day}
    midnight = NOW.replace(hour=0)
    birthdays = [
        midnight.replace(year=year, month=day.month, day=day.day)
        for year in range(1, NOW.year + 1)
        for day in _NEXT_EIGHT_DAYS
    ]
    first_living_index = len(_NEXT_EIGHT_DAYS) * -110
    # Few customers are older; a second branch of the query finds them.
    split_query = {
        "$or": [
            {"birthdate": {"$in": birthdays[first_living_index:]}},
            {
                "birthdate": {
                    "$lt": birthdays[first_living_index],
                    "$in": birthdays[:first_living_index],
                }
            },
        ]
    }
    return _attribute_case(
        "birthday",
        "birthday within the next 7 days",
        attribute("birthdate", "ANNIVERSARY_WITHIN_NEXT_DAYS", 7),
        computed,
        *customer_document_plans({"birthdate": {"$in": birthdays}}, "every day listed"),
        *customer_document_plans(split_query, "listed in two parts"),
    )


def _last_order_case(
    name: str, description: str, filter_: Wire, bounds: Query, extra_match: Query
) -> FilterCase:
    """Returns a filter on the last order, by the summary or by the orders that `extra_match`
    selects."""
    stages = [
        {"$match": {**COUNTED_ORDERS, **extra_match}},
        {"$group": {"_id": "$customerId", "last": {"$max": "$at"}}},
        {"$match": {"last": bounds}},
    ]
    query = {"orders.lastOrderAt": bounds}
    return _attribute_case(
        name, description, filter_, query, grouped_rows_plan("orders grouped", "orders", stages)
    )


def _many_orders_case() -> FilterCase:
    stages = [
        {"$match": COUNTED_ORDERS},
        {"$group": {"_id": "$customerId", "n": {"$sum": 1}}},
        {"$match": {"n": {"$gte": 5}}},
    ]
    return _attribute_case(
        "orders_count",
        "at least 5 orders",
        attribute("orders.totalCount", "GREATER_THAN_OR_EQUAL", 5),
        {"orders.totalCount": {"$gte": 5}},
        grouped_rows_plan("orders grouped", "orders", stages),
    )


def _email_search_case() -> FilterCase:
    text = {"$regex": r"berg\.1", "$options": "i"}
    search_query = {"searchWords": {"$regex": r"berg\.1"}, "email": text}
    loose = "a document without search words is missed, and so is a long address"
    return _attribute_case(
        "email_contains",
        "email contains BERG.1, ignoring case",
        attribute("email", "CONTAINS", "BERG.1", ignoreCase=True),
        {"email": text},
        *customer_document_plans({"email": {"$regex": r"[bB][eE][rR][gG]\.1"}}, "spelled out"),
        FindPlan(name="search words", query=search_query, hint=SEARCH_WORDS_INDEX, loose=loose),
    )


def _city_prefix_case() -> FilterCase:
    path, bounds = "metadata.city", {"$gte": "San ", "$lt": "San!"}
    range_query = {
        "$or": [{path: {**bounds, "$not": {"$type": "array"}}}, {path: {"$elemMatch": bounds}}]
    }
    return _attribute_case(
        "city_starts",
        'city starts with "San "',
        attribute(path, "STARTS_WITH", "San "),
        {path: {"$regex": "^San "}},
        *customer_document_plans(range_query, "range"),
        metadata_index_plan(range_query, "range"),
        with_index_hint=True,
    )


def _complement_case(
    name: str, description: str, filter_: Wire, excluded: Query, simple_query: Query
) -> FilterCase:
    """Returns a filter for all customers but those that match `excluded`."""
    return _attribute_case(
        name,
        description,
        filter_,
        {"$nor": [excluded]},
        *customer_document_plans(simple_query, "simple"),
        complement_plan(excluded),
    )


def attribute_cases() -> list[FilterCase]:
    tags = ["garden-new", "toys-sale"]
    is_free = {"metadata.plan": "free"}
    channel = "metadata.preferences.channel"
    neither = [is_free, {"metadata.city": {"$regex": "^San "}}]
    return [
        _attribute_case(
            "vip",
            "VIP",
            attribute("metadata.vip", "IS", True),
            {"metadata.vip": True},
            with_index_hint=True,
        ),
        _attribute_case(
            "in_thousand",
            "favourite is one of 1,000",
            attribute("metadata.favourite", "IN", _THOUSAND_PRODUCTS),
            {"metadata.favourite": {"$in": _THOUSAND_PRODUCTS}},
            with_index_hint=True,
        ),
        _between_case("score of 400 to 450 (some are arrays)", "score", 400, 450),
        _between_case("points of 40,000 to 45,000 (none are arrays)", "points", 40_000, 45_000),
        _range_case(
            "renews",
            "renews within the next 30 days",
            attribute("metadata.renewsAt", "WITHIN_NEXT", "P30D"),
            "metadata.renewsAt",
            {"$gte": NOW, "$lte": days_ago(-30)},
        ),
        _many_orders_case(),
        _email_search_case(),
        _city_prefix_case(),
        _complement_case(
            "not_free",
            "plan is not free",
            attribute("metadata.plan", "IS_NOT", "free"),
            is_free,
            {"metadata.plan": {"$ne": "free"}},
        ),
        _complement_case(
            "neither",
            "neither free nor in a San …",
            {
                "none": [
                    attribute("metadata.plan", "IS", "free"),
                    attribute("metadata.city", "STARTS_WITH", "San "),
                ]
            },
            {"$or": neither},
            {"$nor": neither},
        ),
        _last_order_case(
            "ordered_30d",
            "ordered within the last 30 days",
            attribute("orders.lastOrderAt", "WITHIN_LAST", "P30D"),
            {"$gte": days_ago(30), "$lte": NOW},
            {"at": {"$gte": days_ago(30)}},
        ),
        _last_order_case(
            "gone_quiet",
            "has ordered, but not for 180 days",
            {
                "all": [
                    attribute("orders.totalCount", "GREATER_THAN_OR_EQUAL", 1),
                    attribute("orders.lastOrderAt", "MORE_THAN_AGO", "P180D"),
                ]
            },
            {"$lt": days_ago(180)},
            {},
        ),
        _birthday_case(),
        _attribute_case(
            "tags",
            "one of two tags",
            attribute("metadata.tags", "CONTAINS_ANY", tags),
            {"metadata.tags": {"$elemMatch": {"$in": tags}}},
            with_index_hint=True,
        ),
        _attribute_case(
            "nested",
            "preferred channel is sms",
            attribute(channel, "IS", "sms"),
            {channel: "sms", "metadata.preferences": {"$not": {"$type": "array"}}},
            with_index_hint=True,
        ),
    ]
