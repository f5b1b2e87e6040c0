"""Filters on events and orders."""

from tests.benchmarks.million.event_plans import (
    at_least_plans,
    item_count_plans,
    item_stages,
    item_sum_plans,
    no_event_plans,
    query_or_event_plans,
    row_count_steps,
    sum_plans,
)
from tests.benchmarks.million.filter_case import FilterCase, attribute, event
from tests.benchmarks.million.handwritten_plans import (
    COUNTED_ORDERS,
    MembershipSteps,
    Query,
    days_ago,
    window_filter,
)

_VIP_QUERY: Query = {"metadata.vip": True}
_VIP_CONDITION = attribute("metadata.vip", "IS", True)
_FAVOURITE_QUERY: Query = {"metadata.favourite": "product-00042"}


def event_cases() -> list[FilterCase]:
    return [*_count_cases(), *_combined_cases(), *_sum_cases(), *_item_cases()]


def _count_cases() -> list[FilterCase]:
    purchases = {"name": "purchase"}
    recent_purchases = {**purchases, **window_filter(30)}
    recent_openings = {"name": "newsletter_opened", **window_filter(30)}
    return [
        FilterCase(
            "purchases",
            "at least 3 purchases ever",
            event("purchase", 3),
            at_least_plans(3, "purchase", None),
            row_count_steps({}, "events", purchases, 3),
        ),
        FilterCase(
            "purchases_30d",
            "at least 2 purchases in 30 days",
            event("purchase", 2, 30),
            at_least_plans(2, "purchase", 30),
            row_count_steps({}, "events", recent_purchases, 2),
        ),
        FilterCase(
            "two_bounds",
            "2 to 3 purchases in 30 days, as two conditions",
            {
                "all": [
                    event("purchase", 2, 30),
                    event("purchase", 3, 30, operator="LESS_THAN_OR_EQUAL"),
                ]
            },
            at_least_plans(2, "purchase", 30, maximum=3),
            row_count_steps({}, "events", recent_purchases, 2, 3),
        ),
        FilterCase(
            "none_opened",
            "no newsletter opened in 30 days",
            event("newsletter_opened", 0, 30, operator="IS"),
            no_event_plans("newsletter_opened", 30),
            MembershipSteps(
                {}, "events", [{"$match": recent_openings}, {"$limit": 1}], expects_none=True
            ),
        ),
    ]


def _combined_cases() -> list[FilterCase]:
    recent_purchases = {"name": "purchase", **window_filter(30)}
    recent_views = {"name": "page_view", **window_filter(90)}
    return [
        FilterCase(
            "design",
            "at least 2 purchases in 30 days, and VIP",
            {"all": [event("purchase", 2, 30), _VIP_CONDITION]},
            at_least_plans(2, "purchase", 30, _VIP_QUERY),
            row_count_steps(_VIP_QUERY, "events", recent_purchases, 2),
        ),
        FilterCase(
            "either",
            "VIP, or a purchase in 7 days",
            {"any": [_VIP_CONDITION, event("purchase", 1, 7)]},
            query_or_event_plans(_VIP_QUERY, "purchase", 7),
        ),
        FilterCase(
            "selective",
            "one favourite of 10,000, and a page view in 90 days",
            {
                "all": [
                    attribute("metadata.favourite", "IS", _FAVOURITE_QUERY["metadata.favourite"]),
                    event("page_view", 1, 90),
                ]
            },
            at_least_plans(1, "page_view", 90, _FAVOURITE_QUERY),
            row_count_steps(_FAVOURITE_QUERY, "events", recent_views, 1),
        ),
    ]


def _sum_cases() -> list[FilterCase]:
    book_purchases = {"name": "purchase", "properties.category": "books", **window_filter(90)}
    recent_orders = {**COUNTED_ORDERS, **window_filter(90)}
    total = {"function": "SUM", "property": "amount"}
    category = {"path": "category", "operator": "IS", "value": "books"}
    spent_bounds, ordered_bounds = {"$gt": 15_000}, {"$gte": 30_000}
    recent_purchase_query = {"events.purchase.lastAt": {"$gt": days_ago(90)}}
    recent_order_query = {
        "orders.lastOrderAt": {"$gt": days_ago(90)},
        "orders.totalAmount": ordered_bounds,
    }
    return [
        FilterCase(
            "books",
            "books for more than 150.00 in 90 days",
            event(
                "purchase", 15_000, 90, aggregate=total, where=[category], operator="GREATER_THAN"
            ),
            sum_plans(
                "events",
                book_purchases,
                "properties.amount",
                spent_bounds,
                recent_purchase_query,
                whole_numbers=False,
            ),
            _sum_steps("events", book_purchases, "properties.amount", spent_bounds),
        ),
        FilterCase(
            "orders_90d",
            "orders for at least 300.00 in 90 days",
            event("order", 30_000, 90, aggregate=total),
            sum_plans(
                "orders",
                recent_orders,
                "amount",
                ordered_bounds,
                recent_order_query,
                whole_numbers=True,
            ),
            _sum_steps("orders", recent_orders, "amount", ordered_bounds),
        ),
    ]


def _item_cases() -> list[FilterCase]:
    recent_orders = {**COUNTED_ORDERS, **window_filter(90)}
    shoes, product = {"category": "shoes"}, {"sku": "product-00042"}
    shoes_condition = {"path": "category", "operator": "IS", "value": shoes["category"]}
    product_condition = {"path": "sku", "operator": "IS", "value": product["sku"]}
    recent_order_query = {"orders.lastOrderAt": {"$gt": days_ago(90)}}
    spent_bounds = {"$gte": 10_000}
    return [
        FilterCase(
            "shoes_twice",
            "shoes at least twice in 90 days, as items of orders",
            event("order.item", 2, 90, where=[shoes_condition]),
            item_count_plans(recent_orders, shoes, 2, recent_order_query),
            _item_steps(recent_orders, shoes, {"$sum": 1}, {"$gte": 2}),
        ),
        FilterCase(
            "shoes_spent",
            "shoes for at least 100.00 in 90 days, as items of orders",
            event(
                "order.item",
                10_000,
                90,
                where=[shoes_condition],
                aggregate={"function": "SUM", "property": "amount"},
            ),
            item_sum_plans(recent_orders, shoes, spent_bounds, recent_order_query),
            _item_steps(recent_orders, shoes, {"$sum": "$items.amount"}, spent_bounds),
        ),
        FilterCase(
            "product",
            "one product of 20,000, as an item of an order",
            event("order.item", 1, where=[product_condition]),
            item_count_plans(COUNTED_ORDERS, product, 1, {"orders.itemCount": {"$gte": 1}}),
            _item_steps(COUNTED_ORDERS, product, {"$sum": 1}, {"$gte": 1}),
        ),
    ]


def _item_steps(orders: Query, item: Query, measure: Query, match: Query) -> MembershipSteps:
    stages = [*item_stages(orders, item), {"$group": {"_id": None, "n": measure}}]
    return MembershipSteps({}, "orders", [*stages, {"$match": {"n": match}}])


def _sum_steps(collection: str, rows: Query, column: str, match: Query) -> MembershipSteps:
    group_stage = {"$group": {"_id": None, "n": {"$sum": f"${column}"}}}
    return MembershipSteps(
        {}, collection, [{"$match": rows}, group_stage, {"$match": {"n": match}}]
    )
