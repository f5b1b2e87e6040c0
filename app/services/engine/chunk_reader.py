"""Reads chunks of customers for due timers and for backfills.

A due timer concerns a customer whose membership may change by the passing of time alone. A backfill
re-evaluates all customers after a definition change.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from datetime import timedelta

from app.domain.changes import Commit, CustomerChange
from app.services.engine.change_reader import ChangeReader
from app.services.engine.chunk import Chunk
from app.services.engine.loader import DocumentVersions, Loader
from app.services.engine.progress import RunProgress
from app.store import Store

_POLL_SECONDS = 0.1
# Customers per chunk. Small timer chunks keep the delay of live changes low.
_TIMER_CHUNK_SIZE = 500
_BACKFILL_CHUNK_SIZE = 2_000
# Chunks that are read before the oldest of them is committed.
_MAX_CHUNKS_AHEAD = 2
# Due timers that one query returns.
_MAX_DUE_TIMERS = 20 * _TIMER_CHUNK_SIZE


class ChunkReader:
    """Reads customers in chunks outside the stream (DBLog).

    The partition processor applies a chunk when the watermark written after the read arrives in the
    stream; customers that changed in between are dropped from the chunk.
    """

    def __init__(
        self, store: Store, change_reader: ChangeReader, loader: Loader, progress: RunProgress
    ) -> None:
        self._store = store
        self._change_reader = change_reader
        self._loader = loader
        self._progress = progress
        # Chunks that are not evaluated yet, in the order in which their reads began.
        self._pending_chunks: list[Chunk] = []

    # --- reading chunks

    async def run_timers(self) -> None:
        """Reads the customers of due timers, each as soon as it is due. Runs until cancelled."""
        poll_interval = timedelta(seconds=_POLL_SECONDS)
        while True:
            now = self._progress.estimated_now
            due_timers = await self._store.membership_states.due_timers(
                self._progress.partitions, now + poll_interval, _MAX_DUE_TIMERS
            )
            if customer_ids := [id_ for id_, timer_at in due_timers if timer_at <= now]:
                await self._read_timer_chunks(customer_ids)
            else:
                next_timer_at = due_timers[0][1] if due_timers else now + poll_interval
                await asyncio.sleep((next_timer_at - now).total_seconds())

    async def _read_timer_chunks(self, customer_ids: Sequence[str]) -> None:
        """Reads these customers chunk by chunk, up to _MAX_CHUNKS_AHEAD ahead of the commits."""
        pending_chunks: deque[Chunk] = deque()
        for offset in range(0, len(customer_ids), _TIMER_CHUNK_SIZE):
            chunk = self._add_chunk(Chunk(self._progress.active_filters.paths))
            chunk_ids = customer_ids[offset : offset + _TIMER_CHUNK_SIZE]
            chunk.documents = await self._store.customers.read_documents(chunk_ids, chunk.paths)
            await self._prefetch(chunk)
            chunk.watermark = await self._change_reader.write_watermark()
            pending_chunks.append(chunk)
            if len(pending_chunks) > _MAX_CHUNKS_AHEAD:
                await pending_chunks.popleft().committed.wait()
        await _wait_until_committed(pending_chunks)

    async def run_backfills(self) -> None:
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
        """Reads all customers in the order of their ids, from where the slowest partition is, chunk
        by chunk. Returns at the end, or when a chunk was stale: the filters need other fields by
        then, and the caller starts again behind the last committed chunk."""
        backfilling = [
            progress
            for progress in self._progress.committed_progress.values()
            if progress.needs_backfill(target_revision)
        ]
        after_id = min(progress.backfilled_through(target_revision) for progress in backfilling)
        pending_chunks: deque[Chunk] = deque()
        while True:
            chunk = self._add_chunk(
                Chunk(
                    self._progress.active_filters.paths,
                    target_revision=target_revision,
                    after_id=after_id,
                )
            )
            documents = await self._store.customers.read_documents_after(
                after_id, _BACKFILL_CHUNK_SIZE, chunk.paths
            )
            committed_progress = self._progress.committed_progress
            chunk.documents = {
                id_: partition_document
                for id_, partition_document in documents.items()
                if partition_document[0] in committed_progress
            }
            await self._prefetch(chunk)
            chunk.last_id = max(documents, default=None)
            if chunk.last_id is None and (
                partitions_with_gaps := self._progress.partitions_with_gaps
            ):
                await _wait_until_committed(pending_chunks)
                chunk.orphans = await self._store.membership_states.orphans(
                    partitions_with_gaps, _BACKFILL_CHUNK_SIZE
                )
                if chunk.orphans:
                    # The backfill ends with a chunk that has neither customers nor orphans.
                    chunk.last_id = after_id
            chunk.watermark = await self._change_reader.write_watermark()
            pending_chunks.append(chunk)
            if chunk.last_id is None:
                return await _wait_until_committed(pending_chunks)
            after_id = chunk.last_id
            if len(pending_chunks) > _MAX_CHUNKS_AHEAD:
                oldest_chunk = pending_chunks.popleft()
                await oldest_chunk.committed.wait()
                if oldest_chunk.is_stale:
                    return None

    async def _prefetch(self, chunk: Chunk) -> None:
        document_versions: DocumentVersions = {
            id_: (partition, [document]) for id_, (partition, document) in chunk.documents.items()
        }
        chunk.rows = await self._loader.prefetch(document_versions)

    def _add_chunk(self, chunk: Chunk) -> Chunk:
        """Registers the chunk before its read begins: changes from here on must be dropped from
        it."""
        self._pending_chunks.append(chunk)
        return chunk

    # --- applying chunks

    def due_chunks(self, commits: Sequence[Commit]) -> list[Chunk]:
        """The chunks whose watermark is in these commits."""
        return [
            chunk
            for chunk in self._pending_chunks
            if any(chunk.is_due(commit.watermark) for commit in commits)
        ]

    def exclude_changed(self, changes: Sequence[CustomerChange]) -> None:
        """Drops the changed customers from all pending chunks."""
        for chunk in self._pending_chunks:
            chunk.exclude_changed(changes)

    def pop_due_chunks(self, watermark: int | None, chunks: list[Chunk]) -> list[Chunk]:
        """Removes the chunks that are due at the watermark from `chunks` and returns them. A chunk
        is stale if the filters read more fields by now than it has."""
        due_chunks = [chunk for chunk in chunks if chunk.is_due(watermark)]
        for chunk in due_chunks:
            chunks.remove(chunk)
            self._pending_chunks.remove(chunk)
            chunk.is_stale = not chunk.paths.issuperset(self._progress.active_filters.paths)
        return due_chunks


async def _wait_until_committed(chunks: deque[Chunk]) -> None:
    while chunks:
        await chunks.popleft().committed.wait()
