"""What an expert writes by hand: for one question several ways, and what each of them runs.

Each is right for every document that may legally lie there, or says why it is `loose`: then it is
shown, and not taken for the best.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bson import MinKey

from tests.benchmarks.million.shop import NOW

Query = dict[str, Any]
Stage = dict[str, Any]
Stages = Sequence[Stage]
Hint = Mapping[str, Any] | None

FIRST = 50
# The way against which the design is judged; it is given all the time that it needs.
PLAIN = "plain lookup"
BY_ID: Hint = {"_id": 1}
IN_PLACE: Hint = {"$natural": 1}
BY_METADATA: Hint = {"metadata.$**": 1}
BY_CUSTOMER: Hint = {"customerId": 1, "name": 1, "at": -1}
BY_CUSTOMERS_ORDERS: Hint = {"customerId": 1, "current": 1, "at": -1, "orderId": -1}
COUNTED: Query = {"current": True, "status": {"$in": ["PAID", "FULFILLED"]}}


@dataclass(frozen=True, kw_only=True)
class Way:
    """One way to the members. `only` is "count" or "page" where it is meant for one of them."""

    name: str
    on: str = "customers"
    hint: Hint = None
    loose: str = ""
    only: str = ""


@dataclass(frozen=True, kw_only=True)
class Find(Way):
    """A query: the count command, and find."""

    query: Query


@dataclass(frozen=True, kw_only=True)
class Pipe(Way):
    """Stages that leave just the members: whole customers, or what has their ids as its own.

    For a page the rows are sorted before the `late` stages, which then need not see them all.
    """

    stages: Stages = ()
    late: Stages = ()
    whole: bool = True

    @property
    def count(self) -> list[Stage]:
        return [*self.stages, *self.late, {"$count": "count"}]

    @property
    def page(self) -> list[Stage]:
        first = [*self.stages, {"$sort": {"_id": 1}}, *self.late, {"$limit": FIRST}]
        return first if self.whole else [*first, *_WHOLE]

    @property
    def row_by_row(self) -> bool:
        """Whether each customer is judged by himself, so that one alone may be put to it."""
        names = {name for stage in (*self.stages, *self.late) for name in stage}
        return self.on == "customers" and not names & {"$group", "$unionWith"}


@dataclass(frozen=True, kw_only=True)
class Number(Way):
    """Stages that leave the count itself."""

    stages: Stages


@dataclass(frozen=True)
class Steps:
    """One person's membership in two steps: the customer, where the query holds of him, and then
    his rows. He is a member where `stages` leave any, or with `none` where they leave none."""

    query: Query
    on: str = ""
    stages: Stages = ()
    none: bool = False


_WHOLE: Stages = (
    {"$lookup": {"from": "customers", "localField": "_id", "foreignField": "_id", "as": "whole"}},
    {"$unwind": "$whole"},
    {"$replaceWith": "$whole"},
)


def ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def within(days: float | None) -> Query:
    """Of the rows of a window that ends now; of all rows where it has no length."""
    return {} if days is None else {"at": {"$gt": ago(days), "$lte": NOW}}


def of_customers(query: Query, name: str = "", **more: Any) -> list[Way]:
    """All ways of a question that the customers' documents answer."""
    name = name and f", {name}"
    return [
        Find(name=f"find{name}", query=query, **more),
        Pipe(name=f"match{name}", stages=[{"$match": query}], **more),
        Find(name=f"find in place{name}", query=query, hint=IN_PLACE, only="count", **more),
        Find(name=f"find by id{name}", query=query, hint=BY_ID, only="page", **more),
    ]


def by_metadata(query: Query, name: str = "", **more: Any) -> Way:
    """The wildcard index, whatever the planner thinks of it."""
    return Find(name=f"find by metadata {name}".strip(), query=query, hint=BY_METADATA, **more)


def complement(query: Query) -> Way:
    """All customers without those of whom it holds; both are counted in an index."""
    return all_but([{"$match": query}], "customers")


def all_but(others: Stages, on: str, hint: Hint = None, loose: str = "") -> Way:
    """All customers without the others, of whom the stages leave a row each.

    A `hint` is for the others: they come first, and the customers are counted by their ids.
    """
    every = [{"$match": {"_id": {"$gte": MinKey()}}}, {"$count": "all"}]
    stages = [
        *others,
        {"$count": "less"},
        {"$unionWith": {"coll": "customers", "pipeline": every}},
        {"$group": {"_id": None, "all": {"$sum": "$all"}, "less": {"$sum": "$less"}}},
        {"$project": {"count": {"$subtract": ["$all", "$less"]}}},
    ]
    name = f"all but the others{', by index' if hint else ''}"
    return Number(name=name, stages=stages, on=on, hint=hint, loose=loose)


def lookup_plain(name: str, query: Query, of: str, row: Any, measure: Any, test: Query) -> Way:
    """All rows of each customer are brought; `row` says in `$$row` which of them count."""
    joined = {"from": of, "localField": "_id", "foreignField": "customerId", "as": "found"}
    chosen = {"$filter": {"input": "$found", "as": "row", "cond": row}}
    late: list[Stage] = [
        {"$lookup": joined},
        {"$set": {"found": chosen}},
        {"$set": {"found": measure}},
        {"$match": {"found": test}},
        {"$unset": "found"},
    ]
    return Pipe(name=name, stages=_matched(query), late=late)


def looked_up(name: str, query: Query, of: str, stages: Stages, asked: Query, **more: Any) -> Way:
    """For each customer of whom the query holds a pipeline over his rows, `found`."""
    joined = {
        "from": of,
        "localField": "_id",
        "foreignField": "customerId",
        "pipeline": list(stages),
        "as": "found",
    }
    late: list[Stage] = [{"$lookup": joined}, {"$match": asked}, {"$unset": "found"}]
    return Pipe(name=name, stages=_matched(query), late=late, **more)


def _matched(query: Query) -> list[Stage]:
    return [{"$match": query}] if query else []


ORPHANS = "rows count whose customer somebody has deleted past the program"


def from_rows(name: str, of: str, stages: Stages, query: Query | None = None, **more: Any) -> Way:
    """The rows are grouped by customer; those groups stay whose customer is there, and of whom the
    query holds."""
    joined = {
        "from": "customers",
        "localField": "_id",
        "foreignField": "_id",
        "pipeline": [*_matched(query or {}), {"$project": {"_id": 1}}],
        "as": "customer",
    }
    late: list[Stage] = [{"$lookup": joined}, {"$match": {"customer": {"$ne": []}}}]
    return Pipe(name=name, on=of, stages=stages, late=late, whole=False, **more)


def rows_alone(name: str, of: str, stages: Stages, **more: Any) -> Way:
    """The rows are grouped by customer, and nobody looks whether the customer is there."""
    return Pipe(name=name, on=of, stages=stages, whole=False, **{"loose": ORPHANS, **more})


def united(name: str, query: Query, of: str, stages: Stages, test: Query, **more: Any) -> Way:
    """The ids of the query's customers and the measures of the rows, brought together by id.

    `stages` give each customer's measure as `n`.
    """
    together = [
        {"$match": query},
        {"$project": {"_id": 1, "there": {"$literal": 1}}},
        {"$unionWith": {"coll": of, "pipeline": list(stages)}},
        {"$group": {"_id": "$_id", "there": {"$max": "$there"}, "n": {"$max": "$n"}}},
        {"$match": test},
    ]
    return Pipe(name=name, stages=together, whole=False, **more)


def both(*queries: Query) -> Query:
    kept = [query for query in queries if query]
    return {"$and": kept} if len(kept) > 1 else (kept or [{}])[0]
