"""Questions that the customers' documents answer."""

from datetime import timedelta

from tests.benchmarks.million.by_hand import (
    COUNTED,
    Find,
    Query,
    Steps,
    Way,
    ago,
    by_metadata,
    complement,
    from_rows,
    of_customers,
)
from tests.benchmarks.million.question import Question, Wire, attribute
from tests.benchmarks.million.shop import NOW


def _asked(
    name: str, words: str, filter_: Wire, query: Query, *ways: Way, hinted: bool = False
) -> Question:
    """A question of the customer's document alone."""
    more = [by_metadata(query)] if hinted else []
    return Question(name, words, filter_, [*of_customers(query), *more, *ways], Steps(query))


def _range(name: str, words: str, filter_: Wire, path: str, bounds: Query) -> Question:
    """Within bounds that one and the same value meets, also where it is one of an array's."""
    array, element = {"$type": "array"}, {path: {"$elemMatch": bounds}}
    split = {"$or": [{path: {**bounds, "$not": array}}, element]}
    refined = {path: bounds, "$or": [{path: {"$not": array}}, element]}
    # MongoDB asks the bounds first, and of arrays last.
    quick = {path: bounds, "$nor": [{path: {**array, "$not": {"$elemMatch": bounds}}}]}
    loose = "an array with an element on each side meets it"
    return _asked(
        name,
        words,
        filter_,
        split,
        by_metadata(split, "split"),
        *of_customers(refined, "refined"),
        by_metadata(refined, "refined"),
        *of_customers(quick, "quick"),
        *of_customers({path: bounds}, "simple", loose=loose),
    )


def _between(words: str, key: str, low: int, high: int) -> Question:
    path = f"metadata.{key}"
    filter_ = attribute(path, "BETWEEN", [low, high])
    return _range(key, words, filter_, path, {"$gte": low, "$lte": high})


_THOUSAND = [f"product-{number:05}" for number in range(0, 10_000, 10)]
_DAYS = [NOW.date() + timedelta(ahead) for ahead in range(8)]


def _birthdays() -> Question:
    month_and_day = {
        "$add": [{"$multiply": [{"$month": "$birthdate"}, 100]}, {"$dayOfMonth": "$birthdate"}]
    }
    among = {"$in": [month_and_day, [100 * day.month + day.day for day in _DAYS]]}
    # None before the first one.
    computed = {"birthdate": {"$lt": ago(-7)}, "$expr": among}
    midnight = NOW.replace(hour=0)
    listed = [
        midnight.replace(year=year, month=day.month, day=day.day)
        for year in range(1, NOW.year + 1)
        for day in _DAYS
    ]
    living = len(_DAYS) * -110
    # Few have lived for longer; they take the longer way round.
    parted = {
        "$or": [
            {"birthdate": {"$in": listed[living:]}},
            {"birthdate": {"$lt": listed[living], "$in": listed[:living]}},
        ]
    }
    return _asked(
        "birthday",
        "birthday within the next 7 days",
        attribute("birthdate", "ANNIVERSARY_WITHIN_NEXT_DAYS", 7),
        computed,
        *of_customers({"birthdate": {"$in": listed}}, "every day listed"),
        *of_customers(parted, "listed in two parts"),
    )


def _last_order(name: str, words: str, filter_: Wire, bounds: Query, seen: Query) -> Question:
    """A question of the last order: the summary's, or that of the orders that are `seen`."""
    last = [
        {"$match": {**COUNTED, **seen}},
        {"$group": {"_id": "$customerId", "last": {"$max": "$at"}}},
        {"$match": {"last": bounds}},
    ]
    query = {"orders.lastOrderAt": bounds}
    return _asked(name, words, filter_, query, from_rows("orders grouped", "orders", last))


def _many_orders() -> Question:
    counted = [
        {"$match": COUNTED},
        {"$group": {"_id": "$customerId", "n": {"$sum": 1}}},
        {"$match": {"n": {"$gte": 5}}},
    ]
    return _asked(
        "orders_count",
        "at least 5 orders",
        attribute("orders.totalCount", "GREATER_THAN_OR_EQUAL", 5),
        {"orders.totalCount": {"$gte": 5}},
        from_rows("orders grouped", "orders", counted),
    )


def _search() -> Question:
    text = {"$regex": r"berg\.1", "$options": "i"}
    found = {"search": {"$regex": r"berg\.1"}, "email": text}
    loose = "a document without search keys is missed, and so is a long address"
    return _asked(
        "email_contains",
        "email contains BERG.1, ignoring case",
        attribute("email", "CONTAINS", "BERG.1", ignoreCase=True),
        {"email": text},
        *of_customers({"email": {"$regex": r"[bB][eE][rR][gG]\.1"}}, "spelled out"),
        Find(name="search keys", query=found, hint={"search": 1}, loose=loose),
    )


def _starting() -> Question:
    path, bounds = "metadata.city", {"$gte": "San ", "$lt": "San!"}
    ranged = {
        "$or": [{path: {**bounds, "$not": {"$type": "array"}}}, {path: {"$elemMatch": bounds}}]
    }
    return _asked(
        "city_starts",
        'city starts with "San "',
        attribute(path, "STARTS_WITH", "San "),
        {path: {"$regex": "^San "}},
        *of_customers(ranged, "range"),
        by_metadata(ranged, "range"),
        hinted=True,
    )


def _but(name: str, words: str, filter_: Wire, others: Query, simple: Query) -> Question:
    """A question of all but some."""
    return _asked(
        name,
        words,
        filter_,
        {"$nor": [others]},
        *of_customers(simple, "simple"),
        complement(others),
    )


def of_attributes() -> list[Question]:
    tagged = ["garden-new", "toys-sale"]
    free = {"metadata.plan": "free"}
    channel = "metadata.preferences.channel"
    neither = [free, {"metadata.city": {"$regex": "^San "}}]
    return [
        _asked(
            "vip",
            "VIP",
            attribute("metadata.vip", "IS", True),
            {"metadata.vip": True},
            hinted=True,
        ),
        _asked(
            "in_thousand",
            "favourite is one of 1,000",
            attribute("metadata.favourite", "IN", _THOUSAND),
            {"metadata.favourite": {"$in": _THOUSAND}},
            hinted=True,
        ),
        _between("score of 400 to 450 (some are arrays)", "score", 400, 450),
        _between("points of 40,000 to 45,000 (none are arrays)", "points", 40_000, 45_000),
        _range(
            "renews",
            "renews within the next 30 days",
            attribute("metadata.renewsAt", "WITHIN_NEXT", "P30D"),
            "metadata.renewsAt",
            {"$gte": NOW, "$lte": ago(-30)},
        ),
        _many_orders(),
        _search(),
        _starting(),
        _but(
            "not_free",
            "plan is not free",
            attribute("metadata.plan", "IS_NOT", "free"),
            free,
            {"metadata.plan": {"$ne": "free"}},
        ),
        _but(
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
        _last_order(
            "ordered_30d",
            "ordered within the last 30 days",
            attribute("orders.lastOrderAt", "WITHIN_LAST", "P30D"),
            {"$gte": ago(30), "$lte": NOW},
            {"at": {"$gte": ago(30)}},
        ),
        _last_order(
            "gone_quiet",
            "has ordered, but not for 180 days",
            {
                "all": [
                    attribute("orders.totalCount", "GREATER_THAN_OR_EQUAL", 1),
                    attribute("orders.lastOrderAt", "MORE_THAN_AGO", "P180D"),
                ]
            },
            {"$lt": ago(180)},
            {},
        ),
        _birthdays(),
        _asked(
            "tags",
            "one of two tags",
            attribute("metadata.tags", "CONTAINS_ANY", tagged),
            {"metadata.tags": {"$elemMatch": {"$in": tagged}}},
            hinted=True,
        ),
        _asked(
            "nested",
            "preferred channel is sms",
            attribute(channel, "IS", "sms"),
            {channel: "sms", "metadata.preferences": {"$not": {"$type": "array"}}},
            hinted=True,
        ),
    ]
