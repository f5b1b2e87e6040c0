"""One worker's work on the partitions that it holds under one name."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from itertools import chain
from time import monotonic

from app.domain.changes import (
    Commit,
    CustomerChange,
    DefinitionChange,
    PartitionProgress,
    attribute_errors_to,
)
from app.services.engine.active_filter_set import ActiveFilterSet
from app.services.engine.batch import Batch
from app.services.engine.change_reader import ChangeReader
from app.services.engine.chunk import Chunk
from app.services.engine.chunk_reader import ChunkReader
from app.services.engine.loader import (
    MAX_ROWS_PER_LOAD,
    DocumentVersions,
    Loader,
    document_versions_of,
)
from app.services.engine.progress import WorkerProgress
from app.services.engine.worker_metrics import WorkerMetrics
from app.services.polling import Signal
from app.store import Store, Transaction
from app.store.change_stream import PARTITION_COUNT
from app.time_slice import TimeSlice

# A batch ends with the commit that brings it to one of these.
_MAX_CHANGES_PER_BATCH, _MAX_TRANSITIONS_PER_BATCH, _MAX_BATCH_SECONDS = 2_000, 5_000, 0.5
# Where nothing happens, the place is written so often, so that it does not age.
_IDLE_COMMIT_SECONDS = 1.0


class PartitionProcessor:
    """Reads the stream from the oldest of its partitions' places on, settles, commits."""

    def __init__(
        self,
        store: Store,
        session: Transaction,
        owner: str,
        partition_progress: Mapping[int, PartitionProgress],
        transitions_committed: Signal,
        metrics: WorkerMetrics,
    ) -> None:
        self._store = store
        self._session = session
        self._owner = owner
        self._transitions_committed = transitions_committed
        self._metrics = metrics
        # Changes that are settled, and not committed yet.
        self._uncommitted_change_count = 0
        self._progress = progress = WorkerProgress(partition_progress)
        self._change_reader = ChangeReader(store, owner, progress.partitions, progress.position, ())
        self._loader = Loader(store, progress)
        self._chunk_reader = ChunkReader(store, self._change_reader, self._loader, progress)
        self._time_slice = TimeSlice()
        self._committed_at_seconds = monotonic()

    async def run(self) -> None:
        """For ever; LeaseLost, HistoryLost, Poisoned and errors of the database come out in a
        group."""
        progress = self._progress
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._change_reader.write_watermarks())
                await self._load_active_filters()
                self._change_reader.reopen(progress.position, progress.active_filters.paths)
                definition_changes = await self._store.definition_changes.read_after(
                    progress.base_revision
                )
                progress.definition_changes = [
                    definition_change
                    for definition_change in definition_changes
                    if definition_change.position <= progress.position
                ]
                tasks.create_task(self._change_reader.run())
                tasks.create_task(self._chunk_reader.run_timers())
                tasks.create_task(self._chunk_reader.run_backfills())
                while True:
                    await self._process(await self._change_reader.next(_MAX_CHANGES_PER_BATCH))
        finally:
            await self._store.watermarks.delete(self._owner)

    async def _load_active_filters(self) -> None:
        """Watches what is to be watched now, whoever is at that revision already."""
        filters = await self._store.active_filters.all()
        # Many take seconds, in which the lease must go on.
        known_trees = self._progress.active_filters.trees
        self._progress.active_filters = await asyncio.to_thread(
            ActiveFilterSet, filters, known_trees
        )

    async def _process(self, commits: Sequence[Commit]) -> None:
        """Settles commits, and commits what comes of it."""
        definition_changes_by_revision = await self._load_definition_changes(commits)
        progress, active_filters = self._progress, self._progress.active_filters
        changes_by_commit = [progress.unprocessed_changes(commit) for commit in commits]
        relevant_by_commit = [
            [
                observed_change
                for observed_change in changes
                if active_filters.is_affected_by(observed_change)
            ]
            for changes in changes_by_commit
        ]
        if (loadable_commits := self._loader.count_loadable_commits(relevant_by_commit)) < len(
            commits
        ):
            self._change_reader.put_back(commits[loadable_commits:])
            commits, changes_by_commit, relevant_by_commit = (
                commits[:loadable_commits],
                changes_by_commit[:loadable_commits],
                relevant_by_commit[:loadable_commits],
            )
        batch = Batch(active_filters, progress.definition_changes, progress.committed_progress)
        due_chunks = self._chunk_reader.due_chunks(commits)
        new_definition_changes: list[DefinitionChange] = []
        evaluated_chunks: list[Chunk] = []
        loads_all_at_once = len(commits) > 1 and bool(active_filters)
        if loads_all_at_once:
            await self._loader.load(
                document_versions_of([*chain.from_iterable(relevant_by_commit)]), batch
            )
        loaded_rows = batch.loaded_rows
        deadline = monotonic() + _MAX_BATCH_SECONDS
        for index, commit in enumerate(commits):
            if (
                len(batch.pending_transitions) > _MAX_TRANSITIONS_PER_BATCH
                or monotonic() > deadline
            ):
                self._change_reader.put_back(commits[index:])
                break
            self._uncommitted_change_count += len(changes_by_commit[index])
            progress.advance_to(commit)
            if commit.revision is not None and commit.revision in definition_changes_by_revision:
                # Whoever came by here first has said when it was.
                observed_change = DefinitionChange(
                    commit.revision, commit.position, progress.instant
                )
                definition_change = (
                    definition_changes_by_revision[commit.revision] or observed_change
                )
                progress.definition_changes.append(definition_change)
                new_definition_changes.append(definition_change)
            self._chunk_reader.exclude_changed(relevant_by_commit[index])
            if loads_all_at_once:
                batch.use_rows(loaded_rows)
                await self._evaluate_changes(relevant_by_commit[index], batch)
            else:
                await self._load_and_evaluate(relevant_by_commit[index], batch)
            for chunk in self._chunk_reader.pop_due_chunks(commit.watermark, due_chunks):
                await self._evaluate_chunk(chunk, batch)
                evaluated_chunks.append(chunk)
            if new_definition_changes and not self._change_reader.covers(active_filters.paths):
                self._change_reader.reopen(commit.position, active_filters.paths)
                break
        await self._commit(
            batch,
            progress.progress_after(evaluated_chunks),
            new_definition_changes,
            evaluated_chunks,
        )

    async def _evaluate_changes(self, changes: Sequence[CustomerChange], batch: Batch) -> None:
        for change in changes:
            with attribute_errors_to(change.partition, change.customer_id):
                instant = self._progress.instant_of(change.partition)
                batch.apply_change(change, self._progress.head_revision, instant)
            await self._time_slice.yield_when_spent()

    async def _load_and_evaluate(self, changes: Sequence[CustomerChange], batch: Batch) -> None:
        """The same of one commit alone, which may be too large to be loaded as a whole."""
        for portion in self._loader.split_by_rows(document_versions_of(changes)):
            if self._progress.active_filters:
                await self._loader.load(portion, batch)
            await self._evaluate_changes(
                [change for change in changes if change.customer_id in portion], batch
            )

    async def _evaluate_chunk(self, chunk: Chunk, batch: Batch) -> None:
        """Settles customers who were read, and have not changed since."""
        if chunk.is_stale:
            return
        unchanged_documents = chunk.unchanged_documents()
        document_versions: DocumentVersions = {
            id_: (partition, [document])
            for id_, (partition, document) in unchanged_documents.items()
        }
        parts = (
            [document_versions]
            if chunk.rows <= MAX_ROWS_PER_LOAD
            else self._loader.split_by_rows(document_versions)
        )
        for portion in parts:
            await self._loader.load_chunk(portion, batch)
            for id_, (partition, (document,)) in portion.items():
                with attribute_errors_to(partition, id_):
                    batch.evaluate(id_, partition, document, self._progress.instant_of(partition))
                await self._time_slice.yield_when_spent()
        orphans = chunk.unchanged_orphans()
        await self._loader.load_stored_states([state.customer_id for state in orphans], batch)
        for state in orphans:
            batch.apply_missed_deletion(state, self._progress.instant_of(state.partition))

    async def _load_definition_changes(
        self, commits: Sequence[Commit]
    ) -> dict[int, DefinitionChange | None]:
        """The revisions that change what is watched, with their steps where somebody else has come
        by them; it is watched from now on."""
        revisions = {commit.revision for commit in commits if commit.revision is not None}
        if not revisions:
            return {}
        changed_filters = await self._store.active_filters.changed_since(min(revisions))
        if changed_filters:
            await self._load_active_filters()
        head_revision = self._progress.head_revision
        known_changes = {
            definition_change.revision: definition_change
            for definition_change in await self._store.definition_changes.read_after(head_revision)
        }
        # A gap of other workers' customers is a step, too, and of no filter.
        changing_revisions = {
            revision
            for changed_filter in changed_filters
            for revision in (changed_filter.since_revision, changed_filter.until_revision)
        } | known_changes.keys()
        return {
            revision: known_changes.get(revision)
            for revision in revisions & changing_revisions
            if revision > head_revision
        }

    async def _commit(
        self,
        batch: Batch,
        partition_progress: dict[int, PartitionProgress],
        definition_changes: Sequence[DefinitionChange],
        chunks: Sequence[Chunk],
    ) -> None:
        states = batch.states_to_save(partition_progress)
        is_idle = not (
            states or batch.deleted_ids or batch.pending_transitions or definition_changes or chunks
        )
        if is_idle and monotonic() < self._committed_at_seconds + _IDLE_COMMIT_SECONDS:
            return

        async def work(transaction: Transaction) -> None:
            await self._store.membership_states.save(states, batch.deleted_ids, transaction)
            await self._store.customer_tombstones.add_missing(batch.deleted_ids, transaction)
            await self._store.definition_changes.add(definition_changes, transaction)
            await self._store.partitions.advance(self._owner, partition_progress, transaction)
            await self._store.transitions.append(batch.pending_transitions, transaction)

        has_other_writers = batch.pending_transitions and len(partition_progress) < PARTITION_COUNT
        log_lease = (
            self._store.transitions.hold_append_lease(self._owner)
            if has_other_writers
            else nullcontext()
        )
        async with log_lease:
            await self._store.transaction(work, self._session)
        self._progress.mark_committed(partition_progress)
        self._committed_at_seconds = monotonic()
        self._metrics.record_commit(self._uncommitted_change_count, len(batch.pending_transitions))
        self._uncommitted_change_count = 0
        for chunk in chunks:
            chunk.committed.set()
        if batch.pending_transitions:
            self._transitions_committed.notify()
