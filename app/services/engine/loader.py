"""Loads what evaluations need: stored membership states, and rows of events, orders and lists."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from app.domain.changes import CustomerChange, Document
from app.services.engine.active_filter_set import CompiledFilters
from app.services.engine.batch import Batch, LoadedRows
from app.services.engine.history_cache import LONG_ROWS, HistoryCache, HistoryRequest
from app.services.engine.progress import RunProgress
from app.store import Store

# An upper bound of the rows that are loaded together; it bounds the memory of a batch.
MAX_ROWS_PER_LOAD = 50_000
_MAX_TIMER_DELAY = timedelta(minutes=1)

DocumentVersions = Mapping[str, tuple[int, Sequence[Document]]]
"""By customer id: the partition, and the versions of its document to evaluate, oldest first."""


def document_versions_of(changes: Sequence[CustomerChange]) -> DocumentVersions:
    """The versions of each customer's document before and after its changes."""
    versions_by_customer: dict[str, tuple[int, list[Document]]] = {}
    for change in changes:
        _, versions = versions_by_customer.setdefault(change.customer_id, (change.partition, []))
        versions += (document for document in (change.before, change.after) if document is not None)
    return versions_by_customer


class Loader:
    """Loads states and rows for batches, and keeps long histories between batches."""

    def __init__(self, store: Store, progress: RunProgress) -> None:
        self._store = store
        self._progress = progress
        self._cached_by_filters: tuple[CompiledFilters, HistoryCache] | None = None

    @property
    def _history_cache(self) -> HistoryCache:
        """The cache for the present filter set; another set starts with an empty cache."""
        compiled_filters = self._progress.active_filters.all_filters
        if self._cached_by_filters is None or self._cached_by_filters[0] is not compiled_filters:
            self._cached_by_filters = compiled_filters, HistoryCache(self._store, compiled_filters)
        return self._cached_by_filters[1]

    def count_loadable_commits(self, changes: Sequence[Sequence[CustomerChange]]) -> int:
        """How many of these commits can be loaded together; at least one."""
        remaining_rows = MAX_ROWS_PER_LOAD
        for commit_count, commit_changes in enumerate(changes):
            remaining_rows -= sum(
                self._history_cache.rows_to_read(
                    document_versions_of(commit_changes), self._instant
                )
            )
            if remaining_rows < 0:
                return max(1, commit_count)
        return len(changes)

    def split_by_rows(self, versions: DocumentVersions) -> Iterator[DocumentVersions]:
        """Splits customers into portions of at most MAX_ROWS_PER_LOAD rows, of one customer at
        least."""
        portion, remaining_rows = dict[str, tuple[int, Sequence[Document]]](), MAX_ROWS_PER_LOAD
        rows_to_read = self._history_cache.rows_to_read(versions, self._instant)
        for (id_, customer_versions), rows in zip(versions.items(), rows_to_read, strict=True):
            if portion and rows > remaining_rows:
                yield portion
                portion, remaining_rows = {}, MAX_ROWS_PER_LOAD
            portion[id_] = customer_versions
            remaining_rows -= rows
        if portion:
            yield portion

    @property
    def _instant(self) -> datetime:
        return self._progress.instant

    async def load(self, versions: DocumentVersions, batch: Batch) -> None:
        """Loads the stored states and the rows of these customers into the batch."""
        await self.load_stored_states(versions, batch)
        batch.use_rows(
            await self._load_rows(
                self._progress.active_filters.all_filters, self._history_cache, versions, batch
            )
        )

    async def load_chunk(self, versions: DocumentVersions, batch: Batch) -> None:
        """Loads customers of a chunk into the batch. For those that have only a definition change
        to apply, it loads only the rows that the new filters need."""
        await self.load_stored_states(versions, batch)
        definition_change_only = self._select_definition_change_only(versions, batch)
        other_versions = {
            id_: customer_versions
            for id_, customer_versions in versions.items()
            if id_ not in definition_change_only
        }
        loaded_rows = await self._load_rows(
            self._progress.active_filters.all_filters, self._history_cache, other_versions, batch
        )
        if definition_change_only:
            active_filters = self._progress.active_filters
            new_filters = active_filters.compiled_filters(
                active_filters.change_between(
                    self._progress.base_revision, self._progress.head_revision
                ).new_bits
            )
            new_filter_rows = await self._load_rows(
                new_filters, HistoryCache(self._store, new_filters), definition_change_only, batch
            )
            loaded_rows = LoadedRows(
                {**loaded_rows.histories, **new_filter_rows.histories},
                {**loaded_rows.lists, **new_filter_rows.lists},
                definition_change_only,
            )
        batch.use_rows(loaded_rows)

    async def prefetch(self, versions: DocumentVersions) -> int:
        """Loads long histories into the cache, so that no batch has to wait for them. Returns an
        upper bound of the rows to read in order to evaluate these customers."""
        earliest = self._earliest_instant
        rows = [*self._history_cache.rows_to_read(versions, earliest)]
        long_ids = [
            id_ for id_, row_count in zip(versions, rows, strict=True) if row_count >= LONG_ROWS
        ]
        await self._history_cache.prefetch(
            {id_: HistoryRequest(*versions[id_], earliest) for id_ in long_ids}
        )
        return sum(rows)

    async def load_stored_states(self, customer_ids: Iterable[str], batch: Batch) -> None:
        """Loads those stored states of the customers that the batch does not have."""
        if missing_ids := [id_ for id_ in customer_ids if not batch.has_state(id_)]:
            batch.add_stored_states(await self._store.membership_states.read(missing_ids))

    async def _load_rows(
        self,
        compiled_filters: CompiledFilters,
        history_cache: HistoryCache,
        versions: DocumentVersions,
        batch: Batch,
    ) -> LoadedRows:
        if not versions or not compiled_filters.measures:
            return LoadedRows()
        requests = {
            id_: HistoryRequest(partition, documents, self._first_instant(id_, partition, batch))
            for id_, (partition, documents) in versions.items()
        }
        query = compiled_filters.history_plan.query_since(self._instant)
        lists = await self._store.customer_history.read_static_memberships([*versions], query)
        return LoadedRows(await history_cache.load(requests), lists)

    def _first_instant(self, id_: str, partition: int, batch: Batch) -> datetime:
        """The earliest instant at which this batch evaluates a customer: that of an overdue timer
        or a pending definition change, or the present one."""
        revision, next_timer_at = batch.revision_of(id_, partition), batch.next_timer_at(id_)
        change_instants = (
            definition_change.committed_at
            for definition_change in self._progress.definition_changes
            if definition_change.revision > revision
        )
        return min([self._instant, *change_instants, *([next_timer_at] if next_timer_at else [])])

    @property
    def _earliest_instant(self) -> datetime:
        """The earliest instant that a prefetched history must serve: timers may be late by a
        minute. A history that starts too late is loaded again."""
        instants = [
            self._instant,
            *(
                definition_change.committed_at
                for definition_change in self._progress.definition_changes
            ),
        ]
        return min(instants) - _MAX_TIMER_DELAY

    def _select_definition_change_only(
        self, versions: DocumentVersions, batch: Batch
    ) -> DocumentVersions:
        """The customers that have only one definition change to apply, and no timer due."""
        definition_changes = self._progress.definition_changes
        if len(definition_changes) != 1 or definition_changes[0].gap_partitions:
            return {}
        return {
            id_: customer_versions
            for id_, customer_versions in versions.items()
            if not (next_timer_at := batch.next_timer_at(id_)) or next_timer_at > self._instant
        }
