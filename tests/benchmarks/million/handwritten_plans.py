"""What an expert writes by hand: for one question several ways, and what each of them runs.

Each is right for every document that may legally lie there, or says why it is `loose`: then it is
shown, and not taken for the best.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bson import MinKey

from tests.benchmarks.million.activities import NOW

Query = dict[str, Any]
Stage = dict[str, Any]
Stages = Sequence[Stage]
Hint = Mapping[str, Any] | None

PAGE_SIZE = 50
# The way against which the design is judged; it is given all the time that it needs.
PLAIN_LOOKUP = "plain lookup"
HINT_ID: Hint = {"_id": 1}
HINT_NATURAL: Hint = {"$natural": 1}
HINT_METADATA: Hint = {"metadata.$**": 1}
HINT_EVENTS_OF_CUSTOMER: Hint = {"customerId": 1, "name": 1, "at": -1}
HINT_ORDERS_OF_CUSTOMER: Hint = {"customerId": 1, "current": 1, "at": -1, "orderId": -1}
COUNTED_ORDERS: Query = {"current": True, "status": {"$in": ["PAID", "FULFILLED"]}}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """One way to the members. `only` is "count" or "page" where it is meant for one of them."""

    name: str
    collection: str = "customers"
    hint: Hint = None
    loose: str = ""
    only: str = ""


@dataclass(frozen=True, kw_only=True)
class FindPlan(Plan):
    """A query: the count command, and find."""

    query: Query


@dataclass(frozen=True, kw_only=True)
class AggregationPlan(Plan):
    """Stages that leave just the members: whole customers, or what has their ids as its own.

    For a page the rows are sorted before the `late` stages, which then need not see them all.
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
        """Whether each customer is judged by himself, so that one alone may be put to it."""
        names = {name for stage in (*self.stages, *self.late_stages) for name in stage}
        return self.collection == "customers" and not names & {"$group", "$unionWith"}


@dataclass(frozen=True, kw_only=True)
class CountPlan(Plan):
    """Stages that leave the count itself."""

    stages: Stages


@dataclass(frozen=True)
class MembershipSteps:
    """One person's membership in two steps: the customer, where the query holds of him, and then
    his rows. He is a member where `stages` leave any, or with `none` where they leave none."""

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
    """Of the rows of a window that ends now; of all rows where it has no length."""
    return {} if days is None else {"at": {"$gt": days_ago(days), "$lte": NOW}}


def customer_document_plans(query: Query, name: str = "", **more: Any) -> list[Plan]:
    """All ways of a question that the customers' documents answer."""
    name = name and f", {name}"
    return [
        FindPlan(name=f"find{name}", query=query, **more),
        AggregationPlan(name=f"match{name}", stages=[{"$match": query}], **more),
        FindPlan(name=f"find in place{name}", query=query, hint=HINT_NATURAL, only="count", **more),
        FindPlan(name=f"find by id{name}", query=query, hint=HINT_ID, only="page", **more),
    ]


def metadata_index_plan(query: Query, name: str = "", **more: Any) -> Plan:
    """The wildcard index, whatever the planner thinks of it."""
    return FindPlan(
        name=f"find by metadata {name}".strip(), query=query, hint=HINT_METADATA, **more
    )


def complement_plan(query: Query) -> Plan:
    """All customers without those of whom it holds; both are counted in an index."""
    return all_except_plan([{"$match": query}], "customers")


def all_except_plan(
    excluded_stages: Stages, collection: str, hint: Hint = None, loose: str = ""
) -> Plan:
    """All customers without the others, of whom the stages leave a row each.

    A `hint` is for the others: they come first, and the customers are counted by their ids.
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
    """All rows of each customer are brought; `row` says in `$$row` which of them count."""
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
    name: str, query: Query, collection: str, stages: Stages, match: Query, **more: Any
) -> Plan:
    """For each customer of whom the query holds a pipeline over his rows, `found`."""
    lookup = {
        "from": collection,
        "localField": "_id",
        "foreignField": "customerId",
        "pipeline": list(stages),
        "as": "found",
    }
    late_stages: list[Stage] = [{"$lookup": lookup}, {"$match": match}, {"$unset": "found"}]
    return AggregationPlan(name=name, stages=_match_stages(query), late_stages=late_stages, **more)


def _match_stages(query: Query) -> list[Stage]:
    return [{"$match": query}] if query else []


COUNTS_ORPHANS = "rows count whose customer somebody has deleted past the program"


def grouped_rows_plan(
    name: str, collection: str, stages: Stages, query: Query | None = None, **more: Any
) -> Plan:
    """The rows are grouped by customer; those groups stay whose customer is there, and of whom the
    query holds."""
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
        **more,
    )


def unchecked_rows_plan(name: str, collection: str, stages: Stages, **more: Any) -> Plan:
    """The rows are grouped by customer, and nobody looks whether the customer is there."""
    return AggregationPlan(
        name=name,
        collection=collection,
        stages=stages,
        has_whole_customers=False,
        **{"loose": COUNTS_ORPHANS, **more},
    )


def union_plan(
    name: str, query: Query, collection: str, stages: Stages, match: Query, **more: Any
) -> Plan:
    """The ids of the query's customers and the measures of the rows, brought together by id.

    `stages` give each customer's measure as `n`.
    """
    union_stages = [
        {"$match": query},
        {"$project": {"_id": 1, "there": {"$literal": 1}}},
        {"$unionWith": {"coll": collection, "pipeline": list(stages)}},
        {"$group": {"_id": "$_id", "there": {"$max": "$there"}, "n": {"$max": "$n"}}},
        {"$match": match},
    ]
    return AggregationPlan(name=name, stages=union_stages, has_whole_customers=False, **more)


def conjunction(*queries: Query) -> Query:
    conditions = [query for query in queries if query]
    return {"$and": conditions} if len(conditions) > 1 else (conditions or [{}])[0]
