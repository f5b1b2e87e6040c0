"""Adds the search fields to customers without them: those that an earlier version of this program
or another program wrote."""

import asyncio
from time import monotonic

import structlog

from app.store import Store

log = structlog.get_logger()

MAX_CUSTOMERS_PER_BATCH = 1_000


class SearchBackfill:
    """Completes customers in batches. A run that is interrupted starts again from the first
    customer without search fields."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._last_customer_id: str | None = None
        self._completed_count = 0

    async def run_batch(self) -> bool:
        """Completes a batch, and then pauses as long as the batch took, so that it uses at most
        half of MongoDB's time. Returns whether there may be more."""
        started_at_seconds = monotonic()
        self._last_customer_id, completed_count = await self._store.customer_search.backfill(
            self._last_customer_id, MAX_CUSTOMERS_PER_BATCH
        )
        self._completed_count += completed_count
        if self._last_customer_id is not None:
            await asyncio.sleep(monotonic() - started_at_seconds)
            return True
        if self._completed_count:
            log.info("search fields added", customers=self._completed_count)
            self._completed_count = 0
        return False
