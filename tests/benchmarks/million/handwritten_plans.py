"""Plans as an expert writes them by hand; there are several for each filter.

A plan is exact for every document that the program accepts, or says in `loose` why it is not. The
report shows a loose plan, but never takes it for the best one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bson import MinKey

from app.store.collections import ORDERS_BY_CUSTOMER_INDEX
from tests.benchmarks.million.activities import NOW

Query = dict[str, Any]
Stage = dict[str, Any]
Stages = Sequence[Stage]
Hint = Mapping[str, Any] | None

PAGE_SIZE = 50
# The plan that the summary compares with; it gets the longest time limit.
PLAIN_LOOKUP = "plain lookup"
HINT_ID: Hint = {"_id": 1}
HINT_NATURAL: Hint = {"$natural": 1}
HINT_METADATA: Hint = {"metadata.$**": 1}
HINT_EVENTS_OF_CUSTOMER: Hint = {"customerId": 1, "name": 1, "at": -1}
HINT_ORDERS_OF_CUSTOMER: Hint = ORDERS_BY_CUSTOMER_INDEX.document["key"]
COUNTED_ORDERS: Query = {"current": True, "status": {"$in": ["PAID", "FULFILLED"]}}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A query plan for the members. `only` is "count" or "page" where it serves only one of
    them."""

    name: str
    collection: str = "customers"
    hint: Hint = None
    loose: str = ""
    only: str = ""


@dataclass(frozen=True, kw_only=True)
class FindPlan(Plan):
    """A query for the count command and for find."""

    query: Query


@dataclass(frozen=True, kw_only=True)
class AggregationPlan(Plan):
    """Stages whose output is the members: whole customers, or rows with their ids as `_id`.

    For a page, the plan sorts before `late_stages`, so that these process only the first rows.
    """

    stages: Stages = ()
    late_stages: Stages = ()
    has_whole_customers: bool = True

    @property
    def count_stages(self) -> list[Stage]:
        return [*self.stages, *self.late_stages, {"$count": "count"}]

    @property
    def page_stages(self) -> list[Stage]:
        stages = [*self.stages, {"$sort": {"_id": 1}}, *self.late_stages, {"$limit": PAGE_SIZE}]
        return stages if self.has_whole_customers else [*stages, *_LOOKUP_CUSTOMER]

    @property
    def is_row_by_row(self) -> bool:
        """Whether the plan evaluates each customer by itself, so that it can run for one
        customer."""
        names = {name for stage in (*self.stages, *self.late_stages) for name in stage}
        return self.collection == "customers" and not names & {"$group", "$unionWith"}


@dataclass(frozen=True, kw_only=True)
class CountPlan(Plan):
    """Stages whose output is the count."""

    stages: Stages


@dataclass(frozen=True)
class MembershipSteps:
    """A membership query in two steps: the customer, if it matches `query`, and then its rows.

    The customer is a member if `stages` return a row, or with `expects_none` if they return none.
    """

    query: Query
    collection: str = ""
    stages: Stages = ()
    expects_none: bool = False


_LOOKUP_CUSTOMER: Stages = (
    {"$lookup": {"from": "customers", "localField": "_id", "foreignField": "_id", "as": "whole"}},
    {"$unwind": "$whole"},
    {"$replaceWith": "$whole"},
)


def days_ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def window_filter(days: float | None) -> Query:
    """Matches the rows of a window that ends now; all rows if `days` is None."""
    return {} if days is None else {"at": {"$gt": days_ago(days), "$lte": NOW}}


def customer_document_plans(query: Query, name: str = "", **options: Any) -> list[Plan]:
    """Returns all plans for a query on the customers' documents."""
    name = name and f", {name}"
    return [
        FindPlan(name=f"find{name}", query=query, **options),
        AggregationPlan(name=f"match{name}", stages=[{"$match": query}], **options),
        FindPlan(
            name=f"find in place{name}", query=query, hint=HINT_NATURAL, only="count", **options
        ),
        FindPlan(name=f"find by id{name}", query=query, hint=HINT_ID, only="page", **options),
    ]


def metadata_index_plan(query: Query, name: str = "", **options: Any) -> Plan:
    """Uses the wildcard index on metadata, whatever MongoDB's planner prefers."""
    return FindPlan(
        name=f"find by metadata {name}".strip(), query=query, hint=HINT_METADATA, **options
    )


def complement_plan(query: Query) -> Plan:
    """Counts all customers less those that match the query; both counts use an index."""
    return all_except_plan([{"$match": query}], "customers")


def all_except_plan(
    excluded_stages: Stages, collection: str, hint: Hint = None, loose: str = ""
) -> Plan:
    """Counts all customers less the excluded ones; the stages return a row for each of these.

    `hint` is for the stages of the excluded customers.
    """
    count_all_stages = [{"$match": {"_id": {"$gte": MinKey()}}}, {"$count": "all"}]
    stages = [
        *excluded_stages,
        {"$count": "less"},
        {"$unionWith": {"coll": "customers", "pipeline": count_all_stages}},
        {"$group": {"_id": None, "all": {"$sum": "$all"}, "less": {"$sum": "$less"}}},
        {"$project": {"count": {"$subtract": ["$all", "$less"]}}},
    ]
    name = f"all but the others{', by index' if hint else ''}"
    return CountPlan(name=name, stages=stages, collection=collection, hint=hint, loose=loose)


def plain_lookup_plan(
    name: str, query: Query, collection: str, row_condition: Any, measure: Any, match: Query
) -> Plan:
    """Looks up all rows of each customer; `row_condition` on `$$row` says which of them count."""
    lookup = {"from": collection, "localField": "_id", "foreignField": "customerId", "as": "found"}
    filtered_rows = {"$filter": {"input": "$found", "as": "row", "cond": row_condition}}
    late_stages: list[Stage] = [
        {"$lookup": lookup},
        {"$set": {"found": filtered_rows}},
        {"$set": {"found": measure}},
        {"$match": {"found": match}},
        {"$unset": "found"},
    ]
    return AggregationPlan(name=name, stages=_match_stages(query), late_stages=late_stages)


def lookup_plan(
    name: str, query: Query, collection: str, stages: Stages, match: Query, **options: Any
) -> Plan:
    """Runs a pipeline over the rows of each customer that matches the query; the result is
    `found`."""
    lookup = {
        "from": collection,
        "localField": "_id",
        "foreignField": "customerId",
        "pipeline": list(stages),
        "as": "found",
    }
    late_stages: list[Stage] = [{"$lookup": lookup}, {"$match": match}, {"$unset": "found"}]
    return AggregationPlan(
        name=name, stages=_match_stages(query), late_stages=late_stages, **options
    )


def _match_stages(query: Query) -> list[Stage]:
    return [{"$match": query}] if query else []


COUNTS_ORPHANS = "it counts rows of customers that were deleted directly in MongoDB"


def grouped_rows_plan(
    name: str, collection: str, stages: Stages, query: Query | None = None, **options: Any
) -> Plan:
    """Groups the rows by customer; keeps the groups whose customer exists and matches the query."""
    lookup = {
        "from": "customers",
        "localField": "_id",
        "foreignField": "_id",
        "pipeline": [*_match_stages(query or {}), {"$project": {"_id": 1}}],
        "as": "customer",
    }
    late_stages: list[Stage] = [{"$lookup": lookup}, {"$match": {"customer": {"$ne": []}}}]
    return AggregationPlan(
        name=name,
        collection=collection,
        stages=stages,
        late_stages=late_stages,
        has_whole_customers=False,
        **options,
    )


def unchecked_rows_plan(name: str, collection: str, stages: Stages, **options: Any) -> Plan:
    """Groups the rows by customer, without a check that the customer exists."""
    return AggregationPlan(
        name=name,
        collection=collection,
        stages=stages,
        has_whole_customers=False,
        **{"loose": COUNTS_ORPHANS, **options},
    )


def union_plan(
    name: str, query: Query, collection: str, stages: Stages, match: Query, **options: Any
) -> Plan:
    """Unites the ids of the matching customers with the measures of the rows, by id.

    `stages` return each customer's measure as `n`.
    """
    union_stages = [
        {"$match": query},
        {"$project": {"_id": 1, "there": {"$literal": 1}}},
        {"$unionWith": {"coll": collection, "pipeline": list(stages)}},
        {"$group": {"_id": "$_id", "there": {"$max": "$there"}, "n": {"$max": "$n"}}},
        {"$match": match},
    ]
    return AggregationPlan(name=name, stages=union_stages, has_whole_customers=False, **options)


def conjunction(*queries: Query) -> Query:
    conditions = [query for query in queries if query]
    return {"$and": conditions} if len(conditions) > 1 else (conditions or [{}])[0]
