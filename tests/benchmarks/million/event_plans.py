"""Handwritten plans for filters on events and orders."""

from tests.benchmarks.million.activities import NOW
from tests.benchmarks.million.handwritten_plans import (
    COUNTS_ORPHANS,
    HINT_EVENTS_OF_CUSTOMER,
    HINT_ID,
    HINT_NATURAL,
    HINT_ORDERS_OF_CUSTOMER,
    PLAIN_LOOKUP,
    AggregationPlan,
    MembershipSteps,
    Plan,
    Query,
    Stage,
    all_except_plan,
    conjunction,
    customer_document_plans,
    days_ago,
    grouped_rows_plan,
    lookup_plan,
    plain_lookup_plan,
    unchecked_rows_plan,
    union_plan,
    window_filter,
)


def at_least_plans(
    minimum: int,
    name: str,
    days: float | None,
    query: Query | None = None,
    maximum: int | None = None,
) -> list[Plan]:
    """Plans for: at least `minimum` (and at most `maximum`) events, by customers that match
    `query`."""
    query = query or {}
    rows = {"name": name, **window_filter(days)}
    counted: list[Stage] = [
        {"$match": rows},
        {"$group": {"_id": "$customerId", "n": {"$sum": 1}}},
    ]
    bounds = {"$gte": minimum} if maximum is None else {"$gte": minimum, "$lte": maximum}
    filtered_stages = [*counted, {"$match": {"n": bounds}}]
    limited_stages: list[Stage] = [
        {"$match": rows},
        {"$limit": minimum if maximum is None else maximum + 1},
        {"$project": {"_id": 0, "name": 1}},
    ]
    match: Query = {f"found.{minimum - 1}": {"$exists": True}}
    if maximum is not None:
        match[f"found.{maximum}"] = {"$exists": False}
    summary_query = conjunction(query, _summary_query(minimum, name, days))
    conditions: list[object] = [{"$eq": ["$$row.name", name]}]
    if days is not None:
        conditions += [{"$gt": ["$$row.at", days_ago(days)]}, {"$lte": ["$$row.at", NOW]}]
    plain_name = PLAIN_LOOKUP if query else "lookup of all rows"
    plans = [
        grouped_rows_plan("events grouped", "events", filtered_stages, query),
        *([] if query else [unchecked_rows_plan("events alone", "events", filtered_stages)]),
        lookup_plan("summary, then lookup", summary_query, "events", limited_stages, match),
        lookup_plan(
            "summary by id, then lookup",
            summary_query,
            "events",
            limited_stages,
            match,
            hint=HINT_ID,
            only="page",
        ),
        lookup_plan(
            "lookup by id", query, "events", limited_stages, match, hint=HINT_ID, only="page"
        ),
        lookup_plan("lookup", query, "events", limited_stages, match),
        plain_lookup_plan(
            plain_name, query, "events", {"$and": conditions}, {"$size": "$found"}, bounds
        ),
        grouped_rows_plan(
            "events grouped, by index",
            "events",
            filtered_stages,
            query,
            hint=HINT_EVENTS_OF_CUSTOMER,
        ),
    ]
    if maximum is None:
        plans.append(_nth_event_plan(minimum, rows, query))
    if query:
        plans.append(union_plan("united", query, "events", counted, {"there": 1, "n": bounds}))
        plans.append(
            union_plan("united, few", query, "events", filtered_stages, {"there": 1, "n": bounds})
        )
    if days is None:
        plans += customer_document_plans(
            conjunction(query, {f"events.{name}.count": bounds}), "summary"
        )
    return plans


def _nth_event_plan(minimum: int, rows: Query, query: Query) -> Plan:
    """Numbers the events of each customer in the order of an index; the n-th event exists or not.

    MongoDB keeps no groups in memory.
    """
    numbered = {
        "partitionBy": "$customerId",
        "sortBy": {"at": -1},
        "output": {"nth": {"$documentNumber": {}}},
    }
    stages = [
        {"$match": rows},
        {"$setWindowFields": numbered},
        {"$match": {"nth": minimum}},
        {"$project": {"_id": "$customerId"}},
    ]
    return grouped_rows_plan("events numbered", "events", stages, query)


def _summary_query(minimum: int, name: str, days: float | None) -> Query:
    """Returns the condition on the summary that every member meets."""
    query: Query = {f"events.{name}.count": {"$gte": minimum}}
    if days is not None:
        query[f"events.{name}.lastAt"] = {"$gt": days_ago(days)}
    return query


def sum_plans(
    collection: str,
    rows: Query,
    column: str,
    match: Query,
    summary_query: Query,
    *,
    whole_numbers: bool,
) -> list[Plan]:
    """Plans for: the sum over the rows matches. A customer without rows must not match.

    `summary_query` is a condition on the summary that every member meets. `$sum` alone is exact for
    whole numbers only. For fractions it drops its compensation of rounding errors at the end,
    unless the plan adds a zero.
    """
    simple_sum: list[Stage] = [{"$group": {"_id": "$customerId", "n": {"$sum": f"${column}"}}}]
    number = {"$cond": [{"$isNumber": f"${column}"}, f"${column}", "$$REMOVE"]}
    exact_sum: list[Stage] = [
        {"$group": {"_id": "$customerId", "all": {"$push": number}}},
        {"$project": {"n": {"$sum": {"$concatArrays": ["$all", [0]]}}}},
    ]
    match_rows, match_sum = {"$match": rows}, {"$match": {"n": match}}
    index = HINT_EVENTS_OF_CUSTOMER if collection == "events" else HINT_ORDERS_OF_CUSTOMER
    loose = "" if whole_numbers else "the last bit of a sum of fractions is lost"
    stages = [match_rows, *(simple_sum if whole_numbers else exact_sum), match_sum]
    return [
        grouped_rows_plan("rows grouped", collection, stages),
        unchecked_rows_plan("rows alone", collection, stages),
        grouped_rows_plan("rows grouped, by index", collection, stages, hint=index),
        grouped_rows_plan(
            "rows, simple sum", collection, [match_rows, *simple_sum, match_sum], loose=loose
        ),
        lookup_plan(
            "lookup by id",
            {},
            collection,
            stages,
            {"found": {"$ne": []}},
            hint=HINT_ID,
            only="page",
        ),
        lookup_plan(
            "summary by id, then lookup",
            summary_query,
            collection,
            stages,
            {"found": {"$ne": []}},
            hint=HINT_ID,
            only="page",
        ),
        lookup_plan(
            "summary, then lookup", summary_query, collection, stages, {"found": {"$ne": []}}
        ),
        lookup_plan("lookup", {}, collection, stages, {"found": {"$ne": []}}),
    ]


def item_stages(orders: Query, item: Query) -> list[Stage]:
    """Stages on the orders to a row for each item that matches."""
    return [
        {"$match": {**orders, "items": {"$elemMatch": item}}},
        {"$unwind": "$items"},
        {"$match": {f"items.{key}": value for key, value in item.items()}},
    ]


def item_count_plans(orders: Query, item: Query, minimum: int, summary_query: Query) -> list[Plan]:
    """Plans for: at least `minimum` items of counted orders.

    `item` has the required values by key. `summary_query` is a condition on the summary that every
    member meets.
    """
    is_item = {"$and": [{"$eq": [f"$$item.{key}", value]} for key, value in item.items()]}
    found_items = {"$filter": {"input": "$items", "as": "item", "cond": is_item}}
    return _item_plans(
        orders,
        item,
        {"$sum": 1},
        {"$sum": {"$size": found_items}},
        {"$gte": minimum},
        summary_query,
    )


def item_sum_plans(orders: Query, item: Query, match: Query, summary_query: Query) -> list[Plan]:
    """Plans for: the sum of the amounts of items matches; amounts are whole numbers."""
    is_item = {"$and": [{"$eq": [f"$$item.{key}", value]} for key, value in item.items()]}
    amounts = {
        "$map": {
            "input": {"$filter": {"input": "$items", "as": "item", "cond": is_item}},
            "as": "item",
            "in": "$$item.amount",
        }
    }
    return _item_plans(
        orders,
        item,
        {"$sum": "$items.amount"},
        {"$sum": {"$sum": amounts}},
        match,
        summary_query,
    )


def _item_plans(
    orders: Query,
    item: Query,
    item_measure: Query,
    order_measure: Query,
    match: Query,
    summary_query: Query,
) -> list[Plan]:
    """Plans for a measure of items, by item or by order."""
    match_measure = {"$match": {"n": match}}

    def grouped(stages: list[Stage], measure: Query) -> list[Stage]:
        return [*stages, {"$group": {"_id": "$customerId", "n": measure}}, match_measure]

    by_item = grouped(item_stages(orders, item), item_measure)
    dotted = {f"items.{key}": value for key, value in item.items()}
    unwound = grouped(
        [{"$match": {**orders, **dotted}}, {"$unwind": "$items"}, {"$match": dotted}], item_measure
    )
    by_order = grouped([{"$match": {**orders, **dotted}}], order_measure)
    found: Query = {"found": {"$ne": []}}
    return [
        grouped_rows_plan("items grouped", "orders", by_item),
        unchecked_rows_plan("items alone", "orders", by_item),
        grouped_rows_plan("items grouped, dotted", "orders", unwound),
        grouped_rows_plan("orders grouped", "orders", by_order),
        grouped_rows_plan(
            "items grouped, by index", "orders", by_item, hint=HINT_ORDERS_OF_CUSTOMER
        ),
        grouped_rows_plan("items grouped, in place", "orders", by_item, hint=HINT_NATURAL),
        grouped_rows_plan("orders grouped, in place", "orders", by_order, hint=HINT_NATURAL),
        lookup_plan("summary, then lookup", summary_query, "orders", by_item, found),
        lookup_plan(
            *("summary by id, then lookup", summary_query, "orders", by_item, found),
            hint=HINT_ID,
            only="page",
        ),
        lookup_plan("lookup by id", {}, "orders", by_item, found, hint=HINT_ID, only="page"),
    ]


def no_event_plans(name: str, days: float) -> list[Plan]:
    """Plans for: no event of the name in the window."""
    rows = {"name": name, **window_filter(days)}
    last_at_path = f"events.{name}.lastAt"
    grouped: list[Stage] = [{"$match": rows}, {"$group": {"_id": "$customerId", "n": {"$sum": 1}}}]
    first_event_stages: list[Stage] = [
        {"$match": rows},
        {"$limit": 1},
        {"$project": {"_id": 0, "name": 1}},
    ]
    match_none: Query = {"found": []}
    long_ago = {last_at_path: {"$not": {"$gt": days_ago(days)}}}
    # If the last event is in the future, the summary says nothing about earlier events.
    future_event_stages: list[Stage] = [
        {"$match": {last_at_path: {"$gt": NOW}}},
        *_lookup_stages(first_event_stages, match_none),
    ]
    summarized: list[Stage] = [
        {"$match": long_ago},
        {"$unionWith": {"coll": "customers", "pipeline": future_event_stages}},
    ]
    summary_query = {last_at_path: {"$not": {"$gt": days_ago(days), "$lte": NOW}}}
    return [
        all_except_plan(grouped, "events", loose=COUNTS_ORPHANS),
        all_except_plan(grouped, "events", hint=HINT_EVENTS_OF_CUSTOMER, loose=COUNTS_ORPHANS),
        lookup_plan("lookup", {}, "events", first_event_stages, match_none),
        lookup_plan(
            "lookup by id", {}, "events", first_event_stages, match_none, hint=HINT_ID, only="page"
        ),
        AggregationPlan(name="summary", stages=summarized),
        lookup_plan(
            "summary by id, then lookup",
            summary_query,
            "events",
            first_event_stages,
            match_none,
            hint=HINT_ID,
            only="page",
        ),
        union_plan("united", {}, "events", grouped, {"there": 1, "n": None}),
    ]


def query_or_event_plans(query: Query, name: str, days: float) -> list[Plan]:
    """Plans for: the customer matches the query, or has an event of the name in the window."""
    rows = {"name": name, **window_filter(days)}
    last_at_path = f"events.{name}.lastAt"
    first_event_stages: list[Stage] = [
        {"$match": rows},
        {"$limit": 1},
        {"$project": {"_id": 0, "name": 1}},
    ]
    match = {"$or": [query, {"found": {"$ne": []}}]}
    event_customer_stages: list[Stage] = [{"$match": rows}, {"$group": {"_id": "$customerId"}}]
    query_stages: list[Stage] = [{"$match": query}, {"$project": {"_id": 1}}]
    union_stages = [
        *query_stages,
        {"$unionWith": {"coll": "events", "pipeline": event_customer_stages}},
    ]
    future_event_stages: list[Stage] = [
        {"$match": {"$nor": [query], last_at_path: {"$gt": NOW}}},
        *_lookup_stages(first_event_stages, {"found": {"$ne": []}}),
    ]
    summarized: list[Stage] = [
        {"$match": {"$or": [query, {last_at_path: {"$gt": days_ago(days), "$lte": NOW}}]}},
        {"$unionWith": {"coll": "customers", "pipeline": future_event_stages}},
    ]
    summary_query = {"$or": [query, {last_at_path: {"$gt": days_ago(days)}}]}
    return [
        AggregationPlan(
            name="united",
            stages=[*union_stages, {"$group": {"_id": "$_id"}}],
            has_whole_customers=False,
            loose=COUNTS_ORPHANS,
        ),
        lookup_plan("lookup", {}, "events", first_event_stages, match),
        lookup_plan(
            "lookup by id", {}, "events", first_event_stages, match, hint=HINT_ID, only="page"
        ),
        AggregationPlan(name="summary", stages=summarized),
        lookup_plan("summary, then lookup", summary_query, "events", first_event_stages, match),
        lookup_plan(
            "summary by id, then lookup",
            summary_query,
            "events",
            first_event_stages,
            match,
            hint=HINT_ID,
            only="page",
        ),
    ]


def _lookup_stages(stages: list[Stage], match: Query) -> list[Stage]:
    plan = lookup_plan("", {}, "events", stages, match)
    assert isinstance(plan, AggregationPlan)
    return list(plan.late_stages)


def row_count_steps(
    query: Query, collection: str, rows: Query, minimum: int = 1, maximum: int | None = None
) -> MembershipSteps:
    """Returns the steps of a membership query: the customer, and then the number of its rows."""
    bounds = {"$gte": minimum} if maximum is None else {"$gte": minimum, "$lte": maximum}
    limit = {"$limit": minimum if maximum is None else maximum + 1}
    stages: list[Stage] = [{"$match": rows}, limit, {"$count": "n"}, {"$match": {"n": bounds}}]
    return MembershipSteps(query, collection, stages)
