"""Questions of all customers: which of the ways to ask is likely to cost least."""

from dataclasses import dataclass
from math import inf

from app.domain.customers import Customer
from app.filters import Filter, Now, Pipeline, plans
from app.filters.operators import Query
from app.filters.pipeline import Plan
from app.services.selectivity import SelectivityEstimate, SelectivityEstimator
from app.store import Store

# Where there are no more customers than this, no way is long.
_MAX_CUSTOMERS_WITHOUT_PLANNING = 2_000
# So many are looked at by their ids in less time than it takes to find a better way.
_MAX_CUSTOMERS_BY_ID = 50_000
# What a step costs, in microseconds on the machine of the benchmark; only their ratios matter.
(
    _LOOKUP_COST_MICROSECONDS,
    _JOIN_COST_MICROSECONDS,
    _COUNTED_ROW_COST_MICROSECONDS,
    _READ_ROW_COST_MICROSECONDS,
    _CUSTOMER_COST_MICROSECONDS,
    _GROUP_COST_MICROSECONDS,
) = 70.0, 5.0, 1.4, 5.0, 0.5, 1.2
# To read a customer by way of an index, and put it in order, takes so many times as long.
_SORTED_INDEX_READ_FACTOR = 10
# Only to read him by way of an index, so many times as long as one after the other.
_INDEX_READ_FACTOR = 6


@dataclass(frozen=True)
class PlannedQuery:
    """Those of whom a filter holds at an instant, and whom a search finds."""

    planner: "QueryPlanner"
    tree: Filter | None
    now: Now
    search_query: Query | None = None

    async def count(self) -> int:
        pipeline = await self.planner.choose_pipeline(self)
        return await self.planner.store.matching_customers.count(pipeline)

    async def page(self, after: str | None, limit: int) -> list[Customer]:
        """The first of them, by id, after one of them."""
        pipeline = await self.planner.choose_pipeline(self, limit)
        return await self.planner.store.matching_customers.page(pipeline, after, limit)

    async def ids(self, limit: int) -> list[str]:
        """The ids of at most so many."""
        pipeline = await self.planner.choose_pipeline(self)
        return await self.planner.store.matching_customers.find_ids(pipeline, limit)

    async def needs_full_scan(self) -> bool:
        """Whether counting them takes a look at everything, no index helping."""
        pipeline = await self.planner.choose_pipeline(self)
        return await self.planner.store.matching_customers.is_full_scan(pipeline)


class QueryPlanner:
    """All customers. Knows what filters usually leave of them."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._estimator = SelectivityEstimator(store)

    def plan(
        self, tree: Filter | None, now: Now, search_query: Query | None = None
    ) -> PlannedQuery:
        """Those of whom the filter holds and whom the search finds; all where there is none."""
        return PlannedQuery(self, tree, now, search_query)

    async def choose_pipeline(
        self, planned_query: PlannedQuery, limit: int | None = None
    ) -> Pipeline:
        """The way that is likely to cost least: to all of them, or to the first so many."""
        tree, now = planned_query.tree, planned_query.now
        default, *alternatives = plans(tree, now, planned_query.search_query)
        if limit is None:
            alternatives = [
                alternative for alternative in alternatives if alternative.plan is not Plan.ID_SCAN
            ]
        if tree is None or planned_query.search_query or not alternatives:
            return default
        customer_count = await self._estimator.customer_count()
        if customer_count <= _MAX_CUSTOMERS_WITHOUT_PLANNING:
            return default
        cost_model = _CostModel(await self._estimator.estimate(tree, now), customer_count, limit)
        return min((default, *alternatives), key=cost_model.cost)


@dataclass(frozen=True)
class _CostModel:
    """What a question is likely to meet on its ways; most of them cost by whom they look at."""

    estimate: SelectivityEstimate
    customer_count: int
    limit: int | None

    def _customers_examined(self, share: float) -> float:
        """How many of that share are looked at before there are enough."""
        if self.limit is None:
            return self.customer_count * share
        return min(self.customer_count, self.limit / self.estimate.combined_share) * share

    def _customers_scanned(self, plan: Plan) -> float:
        """How many are met on the way from customer to customer; who is reached by an index counts
        for more than one."""
        if plan is Plan.COLLECTION_SCAN:
            return self.customer_count
        if plan is Plan.ID_SCAN:
            return (
                self._customers_examined(1)
                if self._customers_examined(1) <= _MAX_CUSTOMERS_BY_ID
                else inf
            )
        index_share = self.estimate.index_share
        if self.limit is None:
            return self.customer_count * (
                1 if index_share is None else index_share * _INDEX_READ_FACTOR
            )
        # An index may find them, but then all of them have to be read and put in order.
        sorted_factor = self.estimate.customer_share * _SORTED_INDEX_READ_FACTOR
        return self.customer_count * max(sorted_factor, (index_share or 0) * _INDEX_READ_FACTOR)

    def cost(self, pipeline: Pipeline) -> float:
        """What the way is likely to cost."""
        estimate, customer_count = self.estimate, self.customer_count
        if pipeline.plan in (Plan.INDEX_SCAN, Plan.ID_SCAN, Plan.COLLECTION_SCAN):
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
