"""Reads the customers who meet a filter in the order of their ids, in bounded time and memory."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from app.filters import Filter, Now, Pipeline, plans
from app.filters.pipeline import Plan
from app.services.query_planner import QueryPlanner
from app.store import Store
from app.store.member_windows import DocumentBatch, id_range

# Customers per window. The plans that group rows take time in proportion to it before they return
# the first customer; every window costs a few milliseconds more.
_CUSTOMERS_PER_WINDOW = 50_000


@dataclass(frozen=True, slots=True)
class MemberBatch:
    """Consecutive members. `through_id` is set at the end of a window: all members up to this id
    have been read."""

    documents: DocumentBatch | None
    through_id: str | None = None


class MemberReader:
    """Reads the members of a filter as of `now`, up to and including `max_customer_id`.

    A customer is evaluated when the window with its id is read. So each customer who is a member
    throughout is read once, also if others come and go meanwhile.
    """

    def __init__(
        self,
        store: Store,
        query_planner: QueryPlanner,
        tree: Filter,
        now: Now,
        max_customer_id: str,
    ) -> None:
        self._windows = store.member_windows
        self._query_planner = query_planner
        self._tree = tree
        self._now = now
        self._max_customer_id = max_customer_id

    async def read(
        self, after: str | None, projection: Mapping[str, Any]
    ) -> AsyncGenerator[MemberBatch, None]:
        """Yields the members with ids after `after`, with the projected fields and `_id`."""
        plan = await self._query_planner.choose_ordered_plan(self._tree, self._now)
        while after != self._max_customer_id:
            through = await self._end_of_window(plan, after)
            pipeline = self._pipeline(plan, after, through)
            async with aclosing(self._windows.read(pipeline, projection)) as batches:
                async for documents in batches:
                    yield MemberBatch(documents)
            yield MemberBatch(None, through)
            after = through

    async def _end_of_window(self, plan: Plan, after: str | None) -> str:
        # The plan is chosen only where an index finds few customers. Each window would read all of
        # them again.
        if plan in (Plan.INDEX_SCAN, Plan.SUBSTRING_SCAN):
            return self._max_customer_id
        return await self._windows.end_of_window(
            after, self._max_customer_id, _CUSTOMERS_PER_WINDOW
        )

    def _pipeline(self, plan: Plan, after: str | None, through: str) -> Pipeline:
        alternatives = plans(self._tree, self._now, id_range=id_range(after, through))
        return next(pipeline for pipeline in alternatives if pipeline.plan is plan)
