"""Reads all customers after a definition change, so that the engine re-evaluates them."""

import asyncio

from app.services.engine.pending_chunks import PendingChunks, ReadAhead
from app.services.engine.progress import RunProgress
from app.store import Store

_POLL_SECONDS = 0.1
# Customers per chunk.
_CHUNK_SIZE = 2_000


class BackfillReader:
    """Reads all customers in chunks, in the order of their ids."""

    def __init__(self, store: Store, pending_chunks: PendingChunks, progress: RunProgress) -> None:
        self._store = store
        self._pending_chunks = pending_chunks
        self._progress = progress

    async def run(self) -> None:
        """Runs one backfill after another, as definitions change. Runs until cancelled."""
        while True:
            target_revision = self._next_target_revision()
            if target_revision is None:
                await asyncio.sleep(_POLL_SECONDS)
            else:
                await self._backfill(target_revision)

    def _next_target_revision(self) -> int | None:
        """The target revision of the backfill that is in progress, or is to start; None if there is
        nothing to do.

        A backfill starts only after the stream has passed its definition change: a customer change
        that comes before it in the stream must still be evaluated by the old definitions.
        """
        base_revision, head_revision = self._progress.base_revision, self._progress.head_revision
        target_revisions = (
            progress.target_revision for progress in self._progress.committed_progress.values()
        )
        active_targets = [
            target_revision for target_revision in target_revisions if target_revision is not None
        ]
        if active_targets:
            return min(active_targets) if min(active_targets) <= head_revision else None
        return head_revision if base_revision < head_revision else None

    async def _backfill(self, target_revision: int) -> None:
        """Reads the customers after those that the slowest partition has backfilled.

        Returns at the end, or after a stale chunk, which lacks fields that the filters read by
        now. The caller then starts again after the last committed chunk.
        """
        backfilling = [
            progress
            for progress in self._progress.committed_progress.values()
            if progress.needs_backfill(target_revision)
        ]
        after_id = min(progress.backfilled_through(target_revision) for progress in backfilling)
        read_ahead = ReadAhead()
        while True:
            chunk = self._pending_chunks.begin(target_revision, after_id)
            documents = await self._store.customers.read_documents_after(
                after_id, _CHUNK_SIZE, chunk.paths
            )
            committed_progress = self._progress.committed_progress
            chunk.documents = {
                id_: partition_document
                for id_, partition_document in documents.items()
                if partition_document[0] in committed_progress
            }
            chunk.last_id = max(documents, default=None)
            if chunk.last_id is None and (
                partitions_with_gaps := self._progress.partitions_with_gaps
            ):
                await read_ahead.drain()
                chunk.orphans = await self._store.membership_states.orphans(
                    partitions_with_gaps, _CHUNK_SIZE
                )
                if chunk.orphans:
                    # The backfill ends with a chunk that has neither customers nor orphans.
                    chunk.last_id = after_id
            await self._pending_chunks.complete(chunk)
            oldest_chunk = await read_ahead.add(chunk)
            if chunk.last_id is None:
                return await read_ahead.drain()
            after_id = chunk.last_id
            if oldest_chunk is not None and oldest_chunk.is_stale:
                return None
