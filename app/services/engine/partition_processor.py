"""One run of a worker over the partitions that it holds: batches from the stream to the log.

Each batch is one transaction. See README.md, "One batch, step by step".
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from itertools import chain
from time import monotonic

from app.domain.changes import Commit, CustomerChange, attribute_errors_to
from app.domain.progress import DefinitionChange, PartitionProgress
from app.services.engine.active_filter_set import ActiveFilterSet
from app.services.engine.backfill import BackfillReader
from app.services.engine.batch import Batch
from app.services.engine.change_reader import ChangeReader
from app.services.engine.chunk import Chunk
from app.services.engine.loader import (
    MAX_ROWS_PER_LOAD,
    DocumentVersions,
    Loader,
    document_versions_of,
)
from app.services.engine.pending_chunks import PendingChunks
from app.services.engine.progress import RunProgress
from app.services.engine.timers import TimerReader
from app.services.engine.worker_metrics import WorkerMetrics
from app.services.polling import Signal
from app.store import Store, Transaction
from app.store.change_stream import PARTITION_COUNT
from app.time_slice import TimeSlice

# A batch ends with the commit that reaches one of these limits.
_MAX_CHANGES_PER_BATCH = 2_000
_MAX_TRANSITIONS_PER_BATCH = 5_000
_MAX_BATCH_SECONDS = 0.5
# An idle worker saves its position at this interval: an old position may fall out of the oplog.
_IDLE_COMMIT_SECONDS = 1.0


class PartitionProcessor:
    """Reads the change stream from the smallest position of its partitions, evaluates the changed
    customers and commits, batch by batch.

    `session` is named in the leases: a worker that takes them over ends the session and its open
    transaction. `owner` is the lease owner id of this run.
    """

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
        # Changes that are evaluated but not committed.
        self._uncommitted_change_count = 0
        self._progress = progress = RunProgress(partition_progress)
        self._change_reader = ChangeReader(store, owner, progress.partitions, progress.position, ())
        self._loader = Loader(store, progress)
        self._pending_chunks = PendingChunks(self._change_reader, self._loader, progress)
        self._time_slice = TimeSlice()
        self._committed_at_seconds = monotonic()

    async def run(self) -> None:
        """Runs until it is cancelled or fails. Raises an exception group with LeaseLost,
        HistoryLost, PoisonChangeError or errors of MongoDB."""
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
                tasks.create_task(TimerReader(self._store, self._pending_chunks, progress).run())
                tasks.create_task(BackfillReader(self._store, self._pending_chunks, progress).run())
                while True:
                    await self._process(await self._change_reader.next(_MAX_CHANGES_PER_BATCH))
        finally:
            await self._store.watermarks.delete(self._owner)

    async def _load_active_filters(self) -> None:
        """Compiles all filters that any partition may still need. Each customer is evaluated by
        those in force at its own revision."""
        filters = await self._store.active_filters.all()
        # Thousands of filters take seconds to compile; the event loop must stay free for the
        # lease checks.
        known_trees = self._progress.active_filters.trees
        self._progress.active_filters = await asyncio.to_thread(
            ActiveFilterSet, filters, known_trees
        )

    async def _process(self, commits: Sequence[Commit]) -> None:
        """Evaluates commits as one batch and commits the result. Commits that do not fit go back to
        the reader."""
        definition_changes_by_revision = await self._load_definition_changes(commits)
        progress, active_filters = self._progress, self._progress.active_filters
        changes_by_commit = [progress.unprocessed_changes(commit) for commit in commits]
        relevant_by_commit = [
            [change for change in changes if active_filters.is_affected_by(change)]
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
        due_chunks = self._pending_chunks.due_chunks(commits)
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
                # All workers use the instant that the first of them has stored.
                stored_change = definition_changes_by_revision[commit.revision]
                definition_change = stored_change or DefinitionChange(
                    commit.revision, commit.position, progress.instant
                )
                progress.definition_changes.append(definition_change)
                new_definition_changes.append(definition_change)
            self._pending_chunks.exclude_changed(relevant_by_commit[index])
            if loads_all_at_once:
                batch.use_rows(loaded_rows)
                await self._evaluate_changes(relevant_by_commit[index], batch)
            else:
                await self._load_and_evaluate(relevant_by_commit[index], batch)
            for chunk in self._pending_chunks.pop_due_chunks(commit.watermark, due_chunks):
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
        """Loads and evaluates the changes of one commit in portions: it may be too large to load
        whole."""
        for portion in self._loader.split_by_rows(document_versions_of(changes)):
            if self._progress.active_filters:
                await self._loader.load(portion, batch)
            await self._evaluate_changes(
                [change for change in changes if change.customer_id in portion], batch
            )

    async def _evaluate_chunk(self, chunk: Chunk, batch: Batch) -> None:
        """Evaluates the customers of a chunk that have not changed since they were read."""
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
        """Finds the revisions in the commits that change the active filters, and reloads the
        filters if there are any.

        Returns the stored definition change of each revision, or None if no worker has stored it.
        """
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
        # A definition change may also come from lost history of other workers' partitions; then no
        # filter has changed.
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
        """Writes the batch in one transaction. An idle batch is written once a second only.

        Raises LeaseLost, and writes nothing, if a partition has another owner by now.
        """
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

        # Appending transactions conflict with each other, so workers take turns. Correctness does
        # not depend on this lease.
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
