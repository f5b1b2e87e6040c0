"""Questions that rest on what customers did."""

from tests.benchmarks.million.by_hand import COUNTED, Query, Steps, ago, within
from tests.benchmarks.million.event_ways import at_least, none_of, some_or, some_rows, sums
from tests.benchmarks.million.question import Question, attribute, event

_VIP: Query = {"metadata.vip": True}
_IS_VIP = attribute("metadata.vip", "IS", True)
_FAVOURITE: Query = {"metadata.favourite": "product-00042"}


def of_events() -> list[Question]:
    return [*_numbers(), *_combined(), *_sums()]


def _numbers() -> list[Question]:
    bought = {"name": "purchase"}
    lately = {**bought, **within(30)}
    opened = {"name": "newsletter_opened", **within(30)}
    return [
        Question(
            "purchases",
            "at least 3 purchases ever",
            event("purchase", 3),
            at_least(3, "purchase", None),
            some_rows({}, "events", bought, 3),
        ),
        Question(
            "purchases_30d",
            "at least 2 purchases in 30 days",
            event("purchase", 2, 30),
            at_least(2, "purchase", 30),
            some_rows({}, "events", lately, 2),
        ),
        Question(
            "two_bounds",
            "2 to 3 purchases in 30 days, as two conditions",
            {
                "all": [
                    event("purchase", 2, 30),
                    event("purchase", 3, 30, operator="LESS_THAN_OR_EQUAL"),
                ]
            },
            at_least(2, "purchase", 30, most=3),
            some_rows({}, "events", lately, 2, 3),
        ),
        Question(
            "none_opened",
            "no newsletter opened in 30 days",
            event("newsletter_opened", 0, 30, operator="IS"),
            none_of("newsletter_opened", 30),
            Steps({}, "events", [{"$match": opened}, {"$limit": 1}], none=True),
        ),
    ]


def _combined() -> list[Question]:
    lately = {"name": "purchase", **within(30)}
    viewed = {"name": "page_view", **within(90)}
    return [
        Question(
            "design",
            "at least 2 purchases in 30 days, and VIP",
            {"all": [event("purchase", 2, 30), _IS_VIP]},
            at_least(2, "purchase", 30, _VIP),
            some_rows(_VIP, "events", lately, 2),
        ),
        Question(
            "either",
            "VIP, or a purchase in 7 days",
            {"any": [_IS_VIP, event("purchase", 1, 7)]},
            some_or(_VIP, "purchase", 7),
        ),
        Question(
            "selective",
            "one favourite of 10,000, and a page view in 90 days",
            {
                "all": [
                    attribute("metadata.favourite", "IS", _FAVOURITE["metadata.favourite"]),
                    event("page_view", 1, 90),
                ]
            },
            at_least(1, "page_view", 90, _FAVOURITE),
            some_rows(_FAVOURITE, "events", viewed, 1),
        ),
    ]


def _sums() -> list[Question]:
    books = {"name": "purchase", "properties.category": "books", **within(90)}
    orders = {**COUNTED, **within(90)}
    total = {"function": "SUM", "property": "amount"}
    category = {"path": "category", "operator": "IS", "value": "books"}
    spent, ordered = {"$gt": 15_000}, {"$gte": 30_000}
    bought_lately = {"events.purchase.lastAt": {"$gt": ago(90)}}
    ordered_lately = {
        "orders.lastOrderAt": {"$gt": ago(90)},
        "orders.totalAmount": ordered,
    }
    return [
        Question(
            "books",
            "books for more than 150.00 in 90 days",
            event(
                "purchase", 15_000, 90, aggregate=total, where=[category], operator="GREATER_THAN"
            ),
            sums("events", books, "properties.amount", spent, bought_lately, whole_numbers=False),
            _summed("events", books, "properties.amount", spent),
        ),
        Question(
            "orders_90d",
            "orders for at least 300.00 in 90 days",
            event("order", 30_000, 90, aggregate=total),
            sums("orders", orders, "amount", ordered, ordered_lately, whole_numbers=True),
            _summed("orders", orders, "amount", ordered),
        ),
    ]


def _summed(of: str, rows: Query, column: str, test: Query) -> Steps:
    summed = {"$group": {"_id": None, "n": {"$sum": f"${column}"}}}
    return Steps({}, of, [{"$match": rows}, summed, {"$match": {"n": test}}])
