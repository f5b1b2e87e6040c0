"""Questions of all customers: which of the ways to ask is likely to cost least."""

from dataclasses import dataclass
from math import inf

from app.domain.customers import Customer
from app.filters import Filter, Now, Pipeline, ways
from app.filters.operators import Query
from app.filters.pipeline import Way
from app.services.estimates import Estimate, Estimates
from app.store import Store

# Where there are no more customers than this, no way is long.
_FEW = 2_000
# So many are looked at by their ids in less time than it takes to find a better way.
_NEAR = 50_000
# What a step costs, in microseconds on the machine of the benchmark; only their ratios matter.
_LOOK_UP, _JOIN, _COUNTED_ROW, _READ_ROW, _CUSTOMER, _GROUP = 70.0, 5.0, 1.4, 5.0, 0.5, 1.2
# To read a customer by way of an index, and put it in order, takes so many times as long.
_IN_ORDER = 10
# Only to read him by way of an index, so many times as long as one after the other.
_BY_INDEX = 6


@dataclass(frozen=True)
class Selection:
    """Those of whom a filter holds at an instant, and whom a search finds."""

    population: "Population"
    tree: Filter | None
    now: Now
    search: Query | None = None

    async def count(self) -> int:
        pipeline = await self.population.pipeline(self)
        return await self.population.store.selections.count(pipeline)

    async def page(self, after: str | None, most: int) -> list[Customer]:
        """The first of them, by id, after one of them."""
        pipeline = await self.population.pipeline(self, most)
        return await self.population.store.selections.page(pipeline, after, most)

    async def ids(self, most: int) -> list[str]:
        """The ids of at most so many."""
        pipeline = await self.population.pipeline(self)
        return await self.population.store.selections.ids(pipeline, most)

    async def scans(self) -> bool:
        """Whether counting them takes a look at everything, no index helping."""
        pipeline = await self.population.pipeline(self)
        return await self.population.store.selections.scans(pipeline)


class Population:
    """All customers. Knows what filters usually leave of them."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._estimates = Estimates(store)

    def select(self, tree: Filter | None, now: Now, search: Query | None = None) -> Selection:
        """Those of whom the filter holds and whom the search finds; all where there is none."""
        return Selection(self, tree, now, search)

    async def pipeline(self, selection: Selection, most: int | None = None) -> Pipeline:
        """The way that is likely to cost least: to all of them, or to the first so many."""
        tree, now = selection.tree, selection.now
        plain, *others = ways(tree, now, selection.search)
        if most is None:
            others = [other for other in others if other.way is not Way.BY_ID]
        if tree is None or selection.search or not others:
            return plain
        customers = await self._estimates.customers()
        if customers <= _FEW:
            return plain
        ahead = _Ahead(await self._estimates.of(tree, now), customers, most)
        return min((plain, *others), key=ahead.cost)


@dataclass(frozen=True)
class _Ahead:
    """What a question is likely to meet on its ways; most of them cost by whom they look at."""

    estimate: Estimate
    customers: int
    most: int | None

    def _looked_at(self, share: float) -> float:
        """How many of that share are looked at before there are enough."""
        if self.most is None:
            return self.customers * share
        return min(self.customers, self.most / self.estimate.both) * share

    def _met(self, way: Way) -> float:
        """How many are met on the way from customer to customer; who is reached by an index counts
        for more than one."""
        if way is Way.IN_PLACE:
            return self.customers
        if way is Way.BY_ID:
            return self._looked_at(1) if self._looked_at(1) <= _NEAR else inf
        by_index = self.estimate.by_index
        if self.most is None:
            return self.customers * (1 if by_index is None else by_index * _BY_INDEX)
        # An index may find them, but then all of them have to be read and put in order.
        in_order = self.estimate.alone * _IN_ORDER
        return self.customers * max(in_order, (by_index or 0) * _BY_INDEX)

    def cost(self, pipeline: Pipeline) -> float:
        """What the way is likely to cost."""
        share, customers = self.estimate, self.customers
        if pipeline.way in (Way.CUSTOMERS, Way.BY_ID, Way.IN_PLACE):
            looked_up = self._looked_at(share.alone) * share.measures * _LOOK_UP
            return looked_up + self._met(pipeline.way) * _CUSTOMER
        rows = share.counted_rows * _COUNTED_ROW + share.read_rows * _READ_ROW
        cost = customers * (rows + pipeline.passes * _CUSTOMER)
        grouped = customers * (share.counted_rows + share.read_rows) * _GROUP
        if pipeline.way is Way.UNION:
            return cost + grouped + customers * share.alone * _GROUP
        again = grouped if share.measures > 1 else 0
        return cost + again + self._looked_at(share.measured) * _JOIN
