"""By hand: customers by the events and orders that they have, or have not."""

from tests.benchmarks.million.by_hand import (
    BY_CUSTOMER,
    BY_CUSTOMERS_ORDERS,
    BY_ID,
    ORPHANS,
    PLAIN,
    Pipe,
    Query,
    Stage,
    Steps,
    Way,
    ago,
    all_but,
    both,
    from_rows,
    looked_up,
    lookup_plain,
    of_customers,
    rows_alone,
    united,
    within,
)
from tests.benchmarks.million.shop import NOW


def at_least(
    least: int,
    name: str,
    days: float | None,
    query: Query | None = None,
    most: int | None = None,
) -> list[Way]:
    """All ways of: at least so many of the name (and at most), and the query of the customer."""
    query = query or {}
    rows = {"name": name, **within(days)}
    counted: list[Stage] = [
        {"$match": rows},
        {"$group": {"_id": "$customerId", "n": {"$sum": 1}}},
    ]
    bounds = {"$gte": least} if most is None else {"$gte": least, "$lte": most}
    enough = [*counted, {"$match": {"n": bounds}}]
    few: list[Stage] = [
        {"$match": rows},
        {"$limit": least if most is None else most + 1},
        {"$project": {"_id": 0, "name": 1}},
    ]
    asked: Query = {f"found.{least - 1}": {"$exists": True}}
    if most is not None:
        asked[f"found.{most}"] = {"$exists": False}
    likely = both(query, _summary(least, name, days))
    conditions: list[object] = [{"$eq": ["$$row.name", name]}]
    if days is not None:
        conditions += [{"$gt": ["$$row.at", ago(days)]}, {"$lte": ["$$row.at", NOW]}]
    plain = PLAIN if query else "lookup of all rows"
    ways = [
        from_rows("events grouped", "events", enough, query),
        *([] if query else [rows_alone("events alone", "events", enough)]),
        looked_up("summary, then lookup", likely, "events", few, asked),
        looked_up(
            "summary by id, then lookup", likely, "events", few, asked, hint=BY_ID, only="page"
        ),
        looked_up("lookup by id", query, "events", few, asked, hint=BY_ID, only="page"),
        looked_up("lookup", query, "events", few, asked),
        lookup_plain(plain, query, "events", {"$and": conditions}, {"$size": "$found"}, bounds),
        from_rows("events grouped, by index", "events", enough, query, hint=BY_CUSTOMER),
    ]
    if most is None:
        ways.append(_nth(least, rows, query))
    if query:
        ways.append(united("united", query, "events", counted, {"there": 1, "n": bounds}))
        ways.append(united("united, few", query, "events", enough, {"there": 1, "n": bounds}))
    if days is None:
        ways += of_customers(both(query, {f"events.{name}.count": bounds}), "summary")
    return ways


def _nth(least: int, rows: Query, query: Query) -> Way:
    """The events in the index's order: a customer's n-th is there, or not. Nothing is held."""
    numbered = {
        "partitionBy": "$customerId",
        "sortBy": {"at": -1},
        "output": {"nth": {"$documentNumber": {}}},
    }
    stages = [
        {"$match": rows},
        {"$setWindowFields": numbered},
        {"$match": {"nth": least}},
        {"$project": {"_id": "$customerId"}},
    ]
    return from_rows("events numbered", "events", stages, query)


def _summary(least: int, name: str, days: float | None) -> Query:
    """What the summary must say at the least."""
    said: Query = {f"events.{name}.count": {"$gte": least}}
    if days is not None:
        said[f"events.{name}.lastAt"] = {"$gt": ago(days)}
    return said


def sums(
    of: str, rows: Query, column: str, test: Query, likely: Query, *, whole_numbers: bool
) -> list[Way]:
    """All ways of: the sum over the rows meets the test, as it can't without any rows; `likely` is
    what the summary then says.

    Only of whole numbers is $sum by itself right: of others it loses at the end what it kept of
    their rounding, unless something is added to it.
    """
    simple: list[Stage] = [{"$group": {"_id": "$customerId", "n": {"$sum": f"${column}"}}}]
    number = {"$cond": [{"$isNumber": f"${column}"}, f"${column}", "$$REMOVE"]}
    exact: list[Stage] = [
        {"$group": {"_id": "$customerId", "all": {"$push": number}}},
        {"$project": {"n": {"$sum": {"$concatArrays": ["$all", [0]]}}}},
    ]
    found, met = {"$match": rows}, {"$match": {"n": test}}
    index = BY_CUSTOMER if of == "events" else BY_CUSTOMERS_ORDERS
    loose = "" if whole_numbers else "the last bit of a sum of fractions is lost"
    mine = [found, *(simple if whole_numbers else exact), met]
    return [
        from_rows("rows grouped", of, mine),
        rows_alone("rows alone", of, mine),
        from_rows("rows grouped, by index", of, mine, hint=index),
        from_rows("rows, simple sum", of, [found, *simple, met], loose=loose),
        looked_up("lookup by id", {}, of, mine, {"found": {"$ne": []}}, hint=BY_ID, only="page"),
        looked_up(
            "summary by id, then lookup",
            likely,
            of,
            mine,
            {"found": {"$ne": []}},
            hint=BY_ID,
            only="page",
        ),
        looked_up("summary, then lookup", likely, of, mine, {"found": {"$ne": []}}),
        looked_up("lookup", {}, of, mine, {"found": {"$ne": []}}),
    ]


def none_of(name: str, days: float) -> list[Way]:
    """All ways of: not one event of the name."""
    rows = {"name": name, **within(days)}
    latest = f"events.{name}.lastAt"
    grouped: list[Stage] = [{"$match": rows}, {"$group": {"_id": "$customerId", "n": {"$sum": 1}}}]
    one: list[Stage] = [{"$match": rows}, {"$limit": 1}, {"$project": {"_id": 0, "name": 1}}]
    empty: Query = {"found": []}
    long_ago = {latest: {"$not": {"$gt": ago(days)}}}
    # The latest may lie after now, and then says nothing of those before.
    after: list[Stage] = [{"$match": {latest: {"$gt": NOW}}}, *_judged(one, empty)]
    summarized: list[Stage] = [
        {"$match": long_ago},
        {"$unionWith": {"coll": "customers", "pipeline": after}},
    ]
    likely = {latest: {"$not": {"$gt": ago(days), "$lte": NOW}}}
    return [
        all_but(grouped, "events", loose=ORPHANS),
        all_but(grouped, "events", hint=BY_CUSTOMER, loose=ORPHANS),
        looked_up("lookup", {}, "events", one, empty),
        looked_up("lookup by id", {}, "events", one, empty, hint=BY_ID, only="page"),
        Pipe(name="summary", stages=summarized),
        looked_up(
            "summary by id, then lookup", likely, "events", one, empty, hint=BY_ID, only="page"
        ),
        united("united", {}, "events", grouped, {"there": 1, "n": None}),
    ]


def some_or(query: Query, name: str, days: float) -> list[Way]:
    """All ways of: the query holds of the customer, or there is an event of the name."""
    rows = {"name": name, **within(days)}
    latest = f"events.{name}.lastAt"
    one: list[Stage] = [{"$match": rows}, {"$limit": 1}, {"$project": {"_id": 0, "name": 1}}]
    either = {"$or": [query, {"found": {"$ne": []}}]}
    ids: list[Stage] = [{"$match": rows}, {"$group": {"_id": "$customerId"}}]
    mine: list[Stage] = [{"$match": query}, {"$project": {"_id": 1}}]
    together = [*mine, {"$unionWith": {"coll": "events", "pipeline": ids}}]
    after: list[Stage] = [
        {"$match": {"$nor": [query], latest: {"$gt": NOW}}},
        *_judged(one, {"found": {"$ne": []}}),
    ]
    summarized: list[Stage] = [
        {"$match": {"$or": [query, {latest: {"$gt": ago(days), "$lte": NOW}}]}},
        {"$unionWith": {"coll": "customers", "pipeline": after}},
    ]
    likely = {"$or": [query, {latest: {"$gt": ago(days)}}]}
    return [
        Pipe(
            name="united",
            stages=[*together, {"$group": {"_id": "$_id"}}],
            whole=False,
            loose=ORPHANS,
        ),
        looked_up("lookup", {}, "events", one, either),
        looked_up("lookup by id", {}, "events", one, either, hint=BY_ID, only="page"),
        Pipe(name="summary", stages=summarized),
        looked_up("summary, then lookup", likely, "events", one, either),
        looked_up(
            "summary by id, then lookup", likely, "events", one, either, hint=BY_ID, only="page"
        ),
    ]


def _judged(stages: list[Stage], asked: Query) -> list[Stage]:
    made = looked_up("", {}, "events", stages, asked)
    assert isinstance(made, Pipe)
    return list(made.late)


def some_rows(query: Query, of: str, rows: Query, least: int = 1, most: int | None = None) -> Steps:
    """One person's steps: the query of him, and then so many of his rows."""
    bounds = {"$gte": least} if most is None else {"$gte": least, "$lte": most}
    limit = {"$limit": least if most is None else most + 1}
    few: list[Stage] = [{"$match": rows}, limit, {"$count": "n"}, {"$match": {"n": bounds}}]
    return Steps(query, of, few)
