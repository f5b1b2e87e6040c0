"""Counts and pages through the customers that match a filter, with the plan that was chosen."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from bson import ObjectId

from app.domain.customers import Customer
from app.domain.ids import EntityKind
from app.filters import Pipeline
from app.filters.operators import Query
from app.filters.pipeline import Plan
from app.filters.sources import CUSTOMERS_COLLECTION
from app.store.customers import WITHOUT_METADATA, as_customer
from app.store.ids import to_object_id, to_public_id
from app.store.query_budget import QueryBudget, Stage

# Ids are passed from one query to the next in batches. A $lookup per id costs ten times as much.
_IDS_PER_COUNT = 10_000
_IDS_PER_FIND = 1_000
_IDS_PER_LOOKUP = 250
_SORT_BY_ID: Stage = {"$sort": {"_id": 1}}
_HINTS_BY_PLAN = {Plan.ID_SCAN: {"_id": 1}, Plan.COLLECTION_SCAN: {"$natural": 1}}


class MatchingCustomers:
    """Runs the pipelines that select customers."""

    def __init__(self, query_budget: QueryBudget) -> None:
        self._query_budget = query_budget

    def within(self, seconds: float) -> "MatchingCustomers":
        """Returns a copy whose queries all end within `seconds` from now, or raise QueryTimeout."""
        return MatchingCustomers(self._query_budget.within(seconds))

    async def count(self, pipeline: Pipeline) -> int:
        """The number of customers that the pipeline selects."""
        if pipeline.joins_customers:
            count = 0
            async with aclosing(self._gather_ids(pipeline, [], _IDS_PER_COUNT)) as batches:
                async for ids in batches:
                    count += await self._count(
                        CUSTOMERS_COLLECTION, [_match_ids(ids), *pipeline.filter_stages]
                    )
        elif pipeline.query is not None:
            hint = _hint(pipeline)
            count = await self._query_budget.count(CUSTOMERS_COLLECTION, pipeline.query, **hint)
        else:
            count = await self._count(
                pipeline.collection, [*pipeline.candidate_stages, *pipeline.filter_stages]
            )
        return count + (await self.count(pipeline.supplement) if pipeline.supplement else 0)

    async def page(
        self, pipeline: Pipeline, after: str | None, limit: int, *, with_metadata: bool = True
    ) -> list[Customer]:
        """At most `limit` selected customers by id, after the id `after`. Raises PageTooLarge."""
        projection = {} if with_metadata else WITHOUT_METADATA
        id_range = (
            {} if after is None else {"_id": {"$gt": to_object_id(EntityKind.CUSTOMER, after)}}
        )
        documents = await self._find_by_id_order(pipeline, id_range, limit, projection)
        if pipeline.supplement:
            documents += await self._find_by_id_order(
                pipeline.supplement, id_range, limit, projection
            )
            documents.sort(key=lambda document: document["_id"])
        return [as_customer(document) for document in documents[:limit]]

    async def find_ids(self, pipeline: Pipeline, limit: int) -> list[str]:
        """The ids of at most `limit` selected customers, in no particular order."""
        only_id: Stage = {"$project": {"_id": 1}}
        documents = await self._find(pipeline, [], limit, only_id)
        if pipeline.supplement and len(documents) < limit:
            documents += await self._find(pipeline.supplement, [], limit - len(documents), only_id)
        return [to_public_id(EntityKind.CUSTOMER, document["_id"]) for document in documents]

    async def is_full_scan(self, pipeline: Pipeline) -> bool:
        """Whether counting the selected customers scans a whole collection or index."""
        stages = (
            pipeline.candidate_stages
            if pipeline.joins_customers
            else [*pipeline.candidate_stages, *pipeline.filter_stages]
        )
        counting_stages = [*stages, {"$count": "count"}]
        return await self._query_budget.is_full_scan(
            pipeline.collection, counting_stages, **_hint(pipeline)
        )

    async def _count(self, collection: str, stages: list[Stage]) -> int:
        return await self._query_budget.count_results(collection, stages)

    async def _find_by_id_order(
        self, pipeline: Pipeline, id_range: Query, limit: int, projection: Query
    ) -> list[dict[str, Any]]:
        """At most `limit` documents in the id range, by id."""
        if pipeline.query is not None:
            query = {**id_range, "$and": [pipeline.query]}
            options = {"projection": projection} if projection else {}
            return await self._query_budget.find_by_id_order(
                CUSTOMERS_COLLECTION, query, limit, **options, **_hint(pipeline)
            )
        shape: list[Stage] = [{"$project": projection}] if projection else []
        return await self._find(pipeline, [{"$match": id_range}, _SORT_BY_ID], limit, *shape)

    async def _find(
        self, pipeline: Pipeline, order: list[Stage], limit: int, *shape: Stage
    ) -> list[dict[str, Any]]:
        """At most `limit` documents, sorted by `order` and projected by `shape`."""
        batch_size = _IDS_PER_FIND
        if not pipeline.candidate_stages:
            has_leading_match = (
                bool(pipeline.filter_stages) and "$match" in pipeline.filter_stages[0]
            )
            first = pipeline.filter_stages[:has_leading_match]
            rest = pipeline.filter_stages[has_leading_match:]
            if pipeline.plan is not Plan.ID_SCAN or not rest:
                # With the order right after the predicate, MongoDB stops at the limit.
                stages = [*first, *order, *rest, {"$limit": limit}, *shape]
                hint = _hint(pipeline)
                return await self._query_budget.read_page(
                    CUSTOMERS_COLLECTION, stages, limit, **hint
                )
            # Before a $lookup MongoDB would read 4 MB ahead, most of it for nothing.
            pipeline = replace(pipeline, candidate_stages=first, filter_stages=rest)
            batch_size = _IDS_PER_LOOKUP
        documents: list[dict[str, Any]] = []
        async with aclosing(self._gather_ids(pipeline, order, batch_size)) as batches:
            async for ids in batches:
                limit_stage: Stage = {"$limit": limit - len(documents)}
                stages = [_match_ids(ids), *order, *pipeline.filter_stages, limit_stage, *shape]
                documents += await self._query_budget.read_page(CUSTOMERS_COLLECTION, stages, limit)
                if len(documents) >= limit:
                    break
        return documents

    async def _gather_ids(
        self, pipeline: Pipeline, order: list[Stage], batch_size: int
    ) -> AsyncGenerator[list[ObjectId], None]:
        """Yields the ids of the candidates, sorted by `order`, in batches."""
        stages = [*pipeline.candidate_stages, *order, {"$project": {"_id": 1}}]
        hint = _hint(pipeline) if pipeline.collection == CUSTOMERS_COLLECTION else {}
        candidates = self._query_budget.stream(pipeline.collection, stages, batch_size, **hint)
        async with aclosing(candidates) as batches:
            async for batch in batches:
                yield [document["_id"] for document in batch]


def _hint(pipeline: Pipeline) -> dict[str, Any]:
    """The hint that forces the pipeline's index, or a scan by id or of the collection; empty for
    other plans."""
    hint = pipeline.hint or _HINTS_BY_PLAN.get(pipeline.plan)
    return {"hint": hint} if hint else {}


def _match_ids(ids: list[ObjectId]) -> Stage:
    return {"$match": {"_id": {"$in": ids}}}
