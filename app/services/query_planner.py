"""Chooses between alternative aggregation pipelines of a query by their estimated cost."""

import asyncio
from dataclasses import dataclass, replace
from math import inf

from app.domain.customers import Customer
from app.domain.search import Search
from app.errors import QueryTimeout
from app.filters import Filter, Now, Pipeline, plans
from app.filters.pipeline import Plan
from app.services.selectivity import SelectivityEstimate, SelectivityEstimator
from app.store import Store
from app.store.customer_search import search_query
from app.worker_threads import run_in_thread_if_large

# Up to this number of customers every plan is fast.
_MAX_CUSTOMERS_WITHOUT_PLANNING = 2_000
# A scan by id of more customers than this is never chosen.
_MAX_CUSTOMERS_BY_ID = 50_000
# More ids than this are not sorted in memory.
_MAX_SORTED_CUSTOMERS = 100_000
# A page of a search that takes longer helps nobody: people type another word.
MAX_SEARCH_SECONDS = 2.0
# The cost of one step, measured on the benchmark's machine. Only the ratios matter.
_LOOKUP_COST_MICROSECONDS = 70.0
_JOIN_COST_MICROSECONDS = 5.0
_COUNTED_ROW_COST_MICROSECONDS = 1.4
_READ_ROW_COST_MICROSECONDS = 5.0
_CUSTOMER_COST_MICROSECONDS = 0.5
_GROUP_COST_MICROSECONDS = 1.2
# The cost of reading a customer through an index, as a multiple of reading it in a collection scan:
# with sorting the result by id, and without.
_SORTED_INDEX_READ_FACTOR = 10
_INDEX_READ_FACTOR = 6


@dataclass(frozen=True)
class PlannedQuery:
    """A query for the customers that match a filter at an instant, and a search. The pipeline is
    chosen when the query runs."""

    planner: "QueryPlanner"
    tree: Filter | None
    now: Now
    search: Search | None = None

    async def count(self) -> int:
        """Returns the number of matching customers."""
        pipeline = await self.planner.choose_pipeline(self)
        return await self.planner.store.matching_customers.count(pipeline)

    async def count_within(self, seconds: float) -> int | None:
        """Returns the number of matching customers; None if it is not known within `seconds`.
        MongoDB then stops counting."""
        matching_customers = self.planner.store.matching_customers.within(seconds)
        try:
            # The count may also have to wait for a thread.
            async with asyncio.timeout(seconds):
                pipeline = await self.planner.choose_pipeline(self)
                return await matching_customers.count(pipeline)
        except (QueryTimeout, TimeoutError):
            return None

    async def page(
        self, after: str | None, limit: int, *, with_metadata: bool = True
    ) -> list[Customer]:
        """Returns at most `limit` matching customers, ordered by id, after the id `after`.

        Raises PageTooLarge, and QueryTimeout, for a search without a filter after
        MAX_SEARCH_SECONDS.
        """
        matching_customers = self.planner.store.matching_customers
        is_search_alone = self.search is not None and self.tree is None
        if is_search_alone:
            # The time to choose the pipeline counts, too.
            matching_customers = matching_customers.within(MAX_SEARCH_SECONDS)
        pipeline = await self.planner.choose_pipeline(self, limit)
        try:
            return await matching_customers.page(
                pipeline, after, limit, with_metadata=with_metadata
            )
        except QueryTimeout:
            if not is_search_alone:
                raise
            raise QueryTimeout(
                "The search reads too many customers to find those with all of its words. Add a"
                " rarer word, or write more letters of each."
            ) from None

    async def ids(self, limit: int) -> list[str]:
        """Returns the ids of at most `limit` matching customers."""
        pipeline = await self.planner.choose_pipeline(self)
        return await self.planner.store.matching_customers.find_ids(pipeline, limit)

    async def needs_full_scan(self) -> bool:
        """Whether counting the matching customers scans a whole collection."""
        pipeline = await self.planner.choose_pipeline(self)
        return await self.planner.store.matching_customers.is_full_scan(pipeline)


class QueryPlanner:
    """Plans queries for customers. It keeps estimates of the selectivity of filters."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._estimator = SelectivityEstimator(store)
        self._unavailable_plans = set() if store.has_substring_index else {Plan.SUBSTRING_SCAN}

    def plan(self, tree: Filter | None, now: Now, search: Search | None = None) -> PlannedQuery:
        """Returns a query for the customers that match the filter and the search; None matches
        all."""
        return PlannedQuery(self, tree, now, search)

    async def choose_pipeline(
        self, planned_query: PlannedQuery, limit: int | None = None
    ) -> Pipeline:
        """Returns the pipeline with the least estimated cost: of reading all matching customers, or
        the first `limit` by id."""
        tree, now = planned_query.tree, planned_query.now
        if planned_query.search:
            return await self._search_pipeline(planned_query.search, tree, now, limit)
        default, *alternatives = await run_in_thread_if_large(list, plans(tree, now))
        excluded_plans = self._unavailable_plans | ({Plan.ID_SCAN} if limit is None else set())
        alternatives = [
            alternative for alternative in alternatives if alternative.plan not in excluded_plans
        ]
        if tree is None or not alternatives:
            return default
        customer_count = await self._estimator.customer_count()
        if customer_count <= _MAX_CUSTOMERS_WITHOUT_PLANNING:
            return default
        cost_model = _CostModel(await self._estimator.estimate(tree, now), customer_count, limit)
        return min((default, *alternatives), key=cost_model.cost)

    async def _search_pipeline(
        self, search: Search, tree: Filter | None, now: Now, limit: int | None
    ) -> Pipeline:
        """Returns the pipeline for the customers that match a search and a filter."""
        if limit is None:
            return next(plans(tree, now, search_query(search)))
        plan = await self.store.customer_search.plan_page(search)
        pipeline = next(plans(tree, now, plan.query))
        # With a filter, another index may serve better, unless the search selects few customers.
        is_hint_best = plan.is_selective or tree is None
        return replace(pipeline, hint=plan.hint) if is_hint_best else pipeline

    async def choose_ordered_plan(self, tree: Filter, now: Now) -> Plan:
        """Returns the plan with the least estimated cost of reading all matching customers in the
        order of their ids. It is an INDEX_SCAN or a SUBSTRING_SCAN only if few customers match:
        their ids have to be sorted."""
        customer_count = await self._estimator.customer_count()
        if customer_count <= _MAX_CUSTOMERS_WITHOUT_PLANNING:
            return Plan.ID_SCAN
        estimate = await self._estimator.estimate(tree, now)
        excluded_plans = {Plan.COLLECTION_SCAN, *self._unavailable_plans}
        if estimate.combined_share * customer_count > _MAX_SORTED_CUSTOMERS:
            excluded_plans |= {Plan.INDEX_SCAN, Plan.SUBSTRING_SCAN}
        cost_model = _CostModel(estimate, customer_count, customer_count, inf)
        pipelines = [
            pipeline for pipeline in plans(tree, now) if pipeline.plan not in excluded_plans
        ]
        return min(pipelines, key=cost_model.cost).plan


@dataclass(frozen=True)
class _CostModel:
    """Estimates the cost of pipelines in microseconds, from the selectivity of a filter."""

    estimate: SelectivityEstimate
    customer_count: int
    limit: int | None
    max_customers_by_id: float = _MAX_CUSTOMERS_BY_ID

    def _customers_examined(self, share: float) -> float:
        """Returns how many customers of that share are examined until `limit` of them match."""
        if self.limit is None:
            return self.customer_count * share
        return min(self.customer_count, self.limit / self.estimate.combined_share) * share

    def _customers_scanned(self, plan: Plan) -> float:
        """Returns how many customers the plan scans. A customer that is read through an index
        counts as several."""
        if plan is Plan.COLLECTION_SCAN:
            return self.customer_count
        if plan is Plan.ID_SCAN:
            return (
                self._customers_examined(1)
                if self._customers_examined(1) <= self.max_customers_by_id
                else inf
            )
        index_factor = self._index_factor(plan)
        if self.limit is None:
            return self.customer_count * index_factor
        # A plan through an index reads and sorts all matching customers, whatever the limit.
        sorted_factor = self.estimate.customer_share * _SORTED_INDEX_READ_FACTOR
        return self.customer_count * max(sorted_factor, index_factor)

    def _index_factor(self, plan: Plan) -> float:
        """Returns the cost of reading the candidates through an index, as a multiple of a
        collection scan."""
        estimate = self.estimate
        if plan is Plan.SUBSTRING_SCAN:
            return (estimate.substring_share or 0) * _INDEX_READ_FACTOR
        if estimate.index_share is not None:
            return estimate.index_share * _INDEX_READ_FACTOR
        # Without the substring index, a condition on a part of a text reads the index of all texts.
        reads_all = self.limit is None or estimate.substring_share is not None
        return 1 if reads_all else 0

    def cost(self, pipeline: Pipeline) -> float:
        """Returns the estimated cost of the pipeline in microseconds."""
        estimate, customer_count = self.estimate, self.customer_count
        if pipeline.plan not in (Plan.ROWS_UNION, Plan.ROWS_JOIN):
            lookup_cost = (
                self._customers_examined(estimate.customer_share)
                * estimate.measure_count
                * _LOOKUP_COST_MICROSECONDS
            )
            return (
                lookup_cost + self._customers_scanned(pipeline.plan) * _CUSTOMER_COST_MICROSECONDS
            )
        row_cost = (
            estimate.counted_rows_per_customer * _COUNTED_ROW_COST_MICROSECONDS
            + estimate.read_rows_per_customer * _READ_ROW_COST_MICROSECONDS
        )
        cost = customer_count * (row_cost + pipeline.customer_scans * _CUSTOMER_COST_MICROSECONDS)
        group_cost = (
            customer_count
            * (estimate.counted_rows_per_customer + estimate.read_rows_per_customer)
            * _GROUP_COST_MICROSECONDS
        )
        if pipeline.plan is Plan.ROWS_UNION:
            return (
                cost
                + group_cost
                + customer_count * estimate.customer_share * _GROUP_COST_MICROSECONDS
            )
        regroup_cost = group_cost if estimate.measure_count > 1 else 0
        return (
            cost
            + regroup_cost
            + self._customers_examined(estimate.rows_share) * _JOIN_COST_MICROSECONDS
        )
