"""Removes rows that nothing needs any more, in small batches and outside of transactions.

These are the rows of deleted customers and segments, of which `store/tombstones.py` tells, and the
superseded revisions of orders. The engine may still have to process changes of before the deletion
or revision, and looks for the rows then. So the sweeper reads a page of them, notes the stream's
position after that read, and removes those whose partition has reached the position.

It keeps no state of its own: killed anywhere, it finds the same rows again.
"""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic

from app.store import Store
from app.store.stream import PARTITIONS

_IDLE_SECONDS = 2.0
# So long a page waits for partitions that are behind; those that still are keep their rows.
_PATIENCE_SECONDS, _POLL_SECONDS = 5.0, 0.25
_CUSTOMERS_PER_PAGE, _SEGMENTS_PER_PAGE, _REVISIONS_PER_PAGE = 100, 10, 10_000
MAX_ROWS_PER_BATCH = 1_000


class Sweeper:
    """Sweeps while its worker is there; of several workers one sweeps at a time."""

    def __init__(self, store: Store, worker: str) -> None:
        self._store = store
        self._worker = worker
        # Where the next page begins; None at the beginning.
        self._last_customer: str | None = None
        self._last_revision: tuple[int, str] | None = None

    async def run(self) -> None:
        """Runs until it is cancelled. Errors of the database come out in a group."""
        async with asyncio.TaskGroup() as tasks:
            for sweep in (
                self.forget_definitions,
                self.sweep_customers,
                self.sweep_segments,
                self.sweep_revisions,
            ):
                tasks.create_task(self._repeat(sweep))

    async def _repeat(self, sweep: Callable[[], Awaitable[bool]]) -> None:
        while True:
            if not (await self._is_leader() and await sweep()):
                await asyncio.sleep(_IDLE_SECONDS)

    async def _is_leader(self) -> bool:
        """Whether this worker sweeps. Two that do so for a moment only repeat each other's work."""
        workers = await self._store.workers.all()
        return self._worker == min((worker.id for worker in workers), default=None)

    async def forget_definitions(self) -> bool:
        """Removes definitions that all customers have passed."""
        passed = await self._store.partitions.passed_by_all()
        await self._store.active_filters.forget(passed)
        await self._store.partitions.forget_steps(passed)
        return False

    async def sweep_customers(self) -> bool:
        """Sweeps the rows of a page of deleted customers; says whether there may be more pages."""
        page = await self._store.customer_tombstones.page(self._last_customer, _CUSTOMERS_PER_PAGE)
        is_full = len(page) == _CUSTOMERS_PER_PAGE
        self._last_customer = max(page) if is_full else None
        passed = await self._passed() if page else set()
        gone = [id_ for id_, partition in page.items() if partition in passed]
        if gone:
            await _in_batches(
                lambda: self._store.customer_tombstones.sweep(gone, MAX_ROWS_PER_BATCH)
            )
        return is_full

    async def sweep_segments(self) -> bool:
        """The same of deleted segments. The engine may need the list of a static one as long as
        it has not brought all customers past the filters that named it."""
        page = await self._store.segment_tombstones.page(_SEGMENTS_PER_PAGE)
        if not page or len(await self._passed()) < PARTITIONS:
            return False
        partitions = self._store.partitions
        if await partitions.last_step() > await partitions.passed_by_all():
            return False
        await _in_batches(lambda: self._store.segment_tombstones.sweep(page, MAX_ROWS_PER_BATCH))
        return len(page) == _SEGMENTS_PER_PAGE

    async def sweep_revisions(self) -> bool:
        """The same of superseded revisions of orders."""
        orders = self._store.orders
        page = await orders.superseded(self._last_revision, _REVISIONS_PER_PAGE)
        is_full = len(page) == _REVISIONS_PER_PAGE
        self._last_revision = max(page) if is_full else None
        passed = await self._passed() if page else set()
        gone = [revision for revision, partition in page.items() if partition in passed]

        async def sweep() -> int:
            batch = gone[:MAX_ROWS_PER_BATCH]
            del gone[:MAX_ROWS_PER_BATCH]
            await orders.delete(batch)
            return len(gone)

        if gone:
            await _in_batches(sweep)
        return is_full

    async def _passed(self) -> set[int]:
        """The partitions that have processed all that is committed by now; waits a little for the
        others."""
        position, _ = await self._store.partitions.end()
        ends = monotonic() + _PATIENCE_SECONDS
        while True:
            places = await self._store.partitions.places()
            passed = {number for number, place in places.items() if place >= position}
            if len(passed) == PARTITIONS or monotonic() > ends:
                return passed
            await asyncio.sleep(_POLL_SECONDS)


async def _in_batches(sweep: Callable[[], Awaitable[int]]) -> None:
    """Sweeps until nothing is left. It pauses after a batch as long as the batch took, so that half
    of the time belongs to others."""
    began = monotonic()
    while await sweep():
        await asyncio.sleep(monotonic() - began)
        began = monotonic()
