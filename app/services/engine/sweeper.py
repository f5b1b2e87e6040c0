"""Removes rows that are no longer needed, in small batches and outside transactions.

These are the rows of deleted customers, segments and code pools (listed by
`app/store/tombstones.py`) and the superseded revisions of orders. The engine may still have to
process changes before the deletion or revision, and then reads these rows (except codes). So the
sweeper reads a page of them, takes the stream's position after that read, and removes the rows
whose partition has reached the position.

It keeps no state of its own: after a kill, the next sweeper finds the same rows.

Beside that it adds the search fields to customers without them.
"""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic

from app.services.search_backfill import SearchBackfill
from app.store import Store
from app.store.change_stream import PARTITION_COUNT

_IDLE_SECONDS = 2.0
# How long a page waits for partitions that lag. Partitions that still lag keep their rows.
_MAX_CATCH_UP_WAIT_SECONDS = 5.0
_POLL_SECONDS = 0.25
_CUSTOMERS_PER_PAGE = 100
_SEGMENTS_PER_PAGE = 10
_CODE_POOLS_PER_PAGE = 10
_REVISIONS_PER_PAGE = 10_000
MAX_ROWS_PER_BATCH = 1_000


class Sweeper:
    """Sweeps on behalf of its worker. The live worker with the smallest id sweeps."""

    def __init__(self, store: Store, worker_id: str) -> None:
        self._store = store
        self._worker_id = worker_id
        # The ends of the last pages; None starts from the beginning.
        self._last_customer_id: str | None = None
        self._last_revision: tuple[int, str] | None = None
        self._search_backfill = SearchBackfill(store)

    async def run(self) -> None:
        """Runs until it is cancelled. Raises errors of MongoDB in an exception group."""
        async with asyncio.TaskGroup() as tasks:
            for sweep in (
                self.delete_passed_definitions,
                self.delete_abandoned_watermarks,
                self.sweep_customers,
                self.sweep_segments,
                self.sweep_code_pools,
                self.sweep_revisions,
                self._search_backfill.run_batch,
            ):
                tasks.create_task(self._repeat(sweep))

    async def _repeat(self, sweep: Callable[[], Awaitable[bool]]) -> None:
        while True:
            if not (await self._is_leader() and await sweep()):
                await asyncio.sleep(_IDLE_SECONDS)

    async def _is_leader(self) -> bool:
        """Whether this worker sweeps. Two that do so for a moment only repeat each other's work."""
        workers = await self._store.workers.all()
        return self._worker_id == min((worker.id for worker in workers), default=None)

    async def delete_passed_definitions(self) -> bool:
        """Deletes ended filters and definition changes that all customers have passed. Returns
        False."""
        passed_revision = await self._store.partitions.min_base_revision()
        await self._store.active_filters.delete_ended(passed_revision)
        await self._store.definition_changes.delete_through(passed_revision)
        return False

    async def delete_abandoned_watermarks(self) -> bool:
        """Deletes the watermark rows of workers that were killed. Returns False.

        A run that has just claimed its partitions may lose its row; it writes the next in 0.2 s.
        """
        await self._store.watermarks.delete_except(await self._store.partitions.owners())
        return False

    async def sweep_customers(self) -> bool:
        """Sweeps the rows of a page of deleted customers. Returns whether there may be more
        pages."""
        page = await self._store.customer_tombstones.page_after(
            self._last_customer_id, _CUSTOMERS_PER_PAGE
        )
        is_full = len(page) == _CUSTOMERS_PER_PAGE
        self._last_customer_id = max(page) if is_full else None
        caught_up = await self._caught_up_partitions() if page else set()
        removable_ids = [id_ for id_, partition in page.items() if partition in caught_up]
        if removable_ids:
            await _sweep_in_batches(
                lambda: self._store.customer_tombstones.sweep(removable_ids, MAX_ROWS_PER_BATCH)
            )
        return is_full

    async def sweep_segments(self) -> bool:
        """Sweeps the rows of a page of deleted segments. Returns whether there may be more pages.

        The engine needs the members of a static segment until all customers have passed the
        filters that contain it.
        """
        page = await self._store.segment_tombstones.first_page(_SEGMENTS_PER_PAGE)
        if not page or len(await self._caught_up_partitions()) < PARTITION_COUNT:
            return False
        last_revision = await self._store.definition_changes.last_revision()
        if last_revision > await self._store.partitions.min_base_revision():
            return False
        await _sweep_in_batches(
            lambda: self._store.segment_tombstones.sweep(page, MAX_ROWS_PER_BATCH)
        )
        return len(page) == _SEGMENTS_PER_PAGE

    async def sweep_code_pools(self) -> bool:
        """Sweeps the codes of a page of deleted pools. Returns whether there may be more
        pages."""
        page = await self._store.code_pool_tombstones.first_page(_CODE_POOLS_PER_PAGE)
        if page:
            await _sweep_in_batches(
                lambda: self._store.code_pool_tombstones.sweep(page, MAX_ROWS_PER_BATCH)
            )
        return len(page) == _CODE_POOLS_PER_PAGE

    async def sweep_revisions(self) -> bool:
        """Sweeps a page of superseded order revisions. Returns whether there may be more pages."""
        orders = self._store.orders
        page = await orders.page_of_superseded(self._last_revision, _REVISIONS_PER_PAGE)
        is_full = len(page) == _REVISIONS_PER_PAGE
        self._last_revision = max(page) if is_full else None
        caught_up = await self._caught_up_partitions() if page else set()
        removable_revisions = [
            revision for revision, partition in page.items() if partition in caught_up
        ]

        async def sweep() -> int:
            batch = removable_revisions[:MAX_ROWS_PER_BATCH]
            del removable_revisions[:MAX_ROWS_PER_BATCH]
            await orders.delete_superseded(batch)
            return len(removable_revisions)

        if removable_revisions:
            await _sweep_in_batches(sweep)
        return is_full

    async def _caught_up_partitions(self) -> set[int]:
        """The partitions that have processed every commit before this call; waits up to
        _MAX_CATCH_UP_WAIT_SECONDS for the others."""
        position, _ = await self._store.clock.position_and_time()
        deadline = monotonic() + _MAX_CATCH_UP_WAIT_SECONDS
        while True:
            positions = await self._store.partitions.positions()
            caught_up = {
                partition
                for partition, partition_position in positions.items()
                if partition_position >= position
            }
            if len(caught_up) == PARTITION_COUNT or monotonic() > deadline:
                return caught_up
            await asyncio.sleep(_POLL_SECONDS)


async def _sweep_in_batches(sweep: Callable[[], Awaitable[int]]) -> None:
    """Calls `sweep` until it returns 0, no rows left. It pauses after each batch as long as the
    batch took, so that it uses at most half of MongoDB's time."""
    started_at_seconds = monotonic()
    while await sweep():
        await asyncio.sleep(monotonic() - started_at_seconds)
        started_at_seconds = monotonic()
