"""Questions of all customers: which of the ways to ask is likely to cost least."""

from dataclasses import dataclass

from app.domain.customers import Customer
from app.filters import Filter, Now, Pipeline, ways
from app.filters.operators import Query
from app.filters.pipeline import Way
from app.services.estimates import Estimate, Estimates
from app.store import Store

# Where there are no more customers than this, no way is long.
_FEW = 2_000
# What a step costs, in microseconds of this program's own benchmark; only their ratios matter.
_LOOK_UP, _JOIN, _ROW, _CUSTOMER, _GROUP = 70.0, 30.0, 2.0, 1.0, 1.5


@dataclass(frozen=True)
class Selection:
    """Those of whom a filter holds at an instant, and whom a search finds."""

    population: "Population"
    tree: Filter | None
    now: Now
    search: Query | None = None

    async def count(self) -> int:
        pipeline = await self.population.pipeline(self)
        return await self.population.store.customers.count(pipeline)

    async def page(self, after: str | None, most: int) -> list[Customer]:
        """The first of them, by id, after one of them."""
        pipeline = await self.population.pipeline(self, most)
        return await self.population.store.customers.page(pipeline, after, most)

    async def ids(self, most: int) -> list[str]:
        """The ids of at most so many."""
        pipeline = await self.population.pipeline(self)
        return await self.population.store.customers.ids(pipeline, most)

    async def scans(self) -> bool:
        """Whether counting them takes a look at everything, no index helping."""
        pipeline = await self.population.pipeline(self)
        return await self.population.store.customers.scans(pipeline)


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
        if tree is None or not others:
            return plain
        customers = await self.store.customers.number()
        if customers <= _FEW:
            return plain
        estimate = await self._estimates.of(tree, now)
        return min((plain, *others), key=lambda way: _cost(way, estimate, customers, most))


def _cost(pipeline: Pipeline, estimate: Estimate, customers: int, most: int | None) -> float:
    """What the way is likely to cost; most of it is spent on whom it looks at."""

    def looked_at(share: float) -> float:
        """How many of that share are looked at before there are enough."""
        return customers * share if most is None else min(customers, most / estimate.both) * share

    measures_ = len(estimate.rows)
    rows = sum(estimate.rows.values()) * customers
    if pipeline.way is Way.CUSTOMERS:
        return looked_at(1) * _CUSTOMER + looked_at(estimate.alone) * _LOOK_UP * measures_
    cost = rows * _ROW + pipeline.passes * customers * _CUSTOMER
    if pipeline.way is Way.UNION:
        return cost + (customers * estimate.alone + rows) * _GROUP
    return cost + (rows * _GROUP if measures_ > 1 else 0) + looked_at(estimate.measured) * _JOIN
