"""Reads the customers of due timers: their memberships may change by the passing of time alone."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from app.services.engine.pending_chunks import PendingChunks, ReadAhead
from app.services.engine.progress import RunProgress
from app.store import Store

_POLL_SECONDS = 0.1
# Customers per chunk. Small chunks keep the delay of live changes low.
_CHUNK_SIZE = 500
# Due timers that one query returns.
_MAX_DUE_TIMERS = 20 * _CHUNK_SIZE


class TimerReader:
    """Reads customers in chunks, in the order in which their timers are due."""

    def __init__(self, store: Store, pending_chunks: PendingChunks, progress: RunProgress) -> None:
        self._store = store
        self._pending_chunks = pending_chunks
        self._progress = progress

    async def run(self) -> None:
        """Reads each customer as soon as its timer is due. Runs until cancelled."""
        poll_interval = timedelta(seconds=_POLL_SECONDS)
        while True:
            now = self._progress.estimated_now
            due_timers = await self._store.membership_states.due_timers(
                self._progress.partitions, now + poll_interval, _MAX_DUE_TIMERS
            )
            if customer_ids := [id_ for id_, timer_at in due_timers if timer_at <= now]:
                await self._read_chunks(customer_ids)
            else:
                next_timer_at = due_timers[0][1] if due_timers else now + poll_interval
                await asyncio.sleep((next_timer_at - now).total_seconds())

    async def _read_chunks(self, customer_ids: Sequence[str]) -> None:
        """Reads these customers chunk by chunk. Returns when all chunks are committed."""
        read_ahead = ReadAhead()
        for offset in range(0, len(customer_ids), _CHUNK_SIZE):
            chunk = self._pending_chunks.begin()
            chunk_ids = customer_ids[offset : offset + _CHUNK_SIZE]
            chunk.documents = await self._store.customers.read_documents(chunk_ids, chunk.paths)
            await self._pending_chunks.complete(chunk)
            await read_ahead.add(chunk)
        await read_ahead.drain()
