"""Adds the search fields to customers without them: those that an earlier version of this program
or another program wrote."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic

import structlog

from app.store import Store

log = structlog.get_logger()

MAX_CUSTOMERS_PER_BATCH = 1_000


class SearchBackfill:
    """Completes customers in batches, first those that search does not find. Those of the previous
    version lack only the n-grams of the substring index."""

    def __init__(self, store: Store) -> None:
        search = store.customer_search
        self._passes = [_Pass(search.backfill)]
        if store.has_substring_index:
            self._passes.append(_Pass(search.backfill_ngrams))

    async def run_batch(self) -> bool:
        """Completes a batch, and then pauses as long as the batch took, so that it uses at most
        half of MongoDB's time. Returns whether there may be more."""
        started_at_seconds = monotonic()
        for pass_ in self._passes:
            if await pass_.run_batch():
                await asyncio.sleep(monotonic() - started_at_seconds)
                return True
        return False


class _Pass:
    """One kind of backfill in the order of ids. After an interruption it starts again from the
    first customer without the fields.

    `backfill` takes the last id, None at the beginning, and the maximum number of customers. It
    returns the next last id, None at the end, and how many customers it completed.
    """

    def __init__(
        self, backfill: Callable[[str | None, int], Awaitable[tuple[str | None, int]]]
    ) -> None:
        self._backfill = backfill
        self._last_customer_id: str | None = None
        self._completed_count = 0

    async def run_batch(self) -> bool:
        """Completes a batch. Returns whether there may be more."""
        self._last_customer_id, completed_count = await self._backfill(
            self._last_customer_id, MAX_CUSTOMERS_PER_BATCH
        )
        self._completed_count += completed_count
        if self._last_customer_id is not None:
            return True
        if self._completed_count:
            log.info("search fields added", customers=self._completed_count)
            self._completed_count = 0
        return False
