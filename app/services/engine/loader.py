"""Loads what customers are evaluated by: their stored states, and their rows, so many at a time."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from app.domain.changes import CustomerChange, Document
from app.services.engine.active_filter_set import CompiledFilters
from app.services.engine.batch import Batch, LoadedRows
from app.services.engine.history_cache import LONG_ROWS, HistoryCache, HistoryRequest
from app.services.engine.progress import WorkerProgress
from app.store import Store

# So many rows, at the most, are read together.
MAX_ROWS_PER_LOAD = 50_000
_MAX_TIMER_DELAY = timedelta(minutes=1)

DocumentVersions = Mapping[str, tuple[int, Sequence[Document]]]
"""By customer, the partition and the states of its data that are evaluated, oldest first."""


def document_versions_of(changes: Sequence[CustomerChange]) -> DocumentVersions:
    """The states between which changes lead."""
    versions_by_customer: dict[str, tuple[int, list[Document]]] = {}
    for change in changes:
        _, versions = versions_by_customer.setdefault(change.customer_id, (change.partition, []))
        versions += (document for document in (change.before, change.after) if document is not None)
    return versions_by_customer


class Loader:
    """Loads for one batch after the other, and keeps long histories between them."""

    def __init__(self, store: Store, progress: WorkerProgress) -> None:
        self._store = store
        self._progress = progress
        self._cached_by_filters: tuple[CompiledFilters, HistoryCache] | None = None

    @property
    def _history_cache(self) -> HistoryCache:
        """The histories for all filters of the present set."""
        compiled_filters = self._progress.active_filters.all_filters
        if self._cached_by_filters is None or self._cached_by_filters[0] is not compiled_filters:
            self._cached_by_filters = compiled_filters, HistoryCache(self._store, compiled_filters)
        return self._cached_by_filters[1]

    def count_loadable_commits(self, changes: Sequence[Sequence[CustomerChange]]) -> int:
        """How many commits' changes can be loaded together; one at least."""
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
        """Customers so many at a time as can be loaded together."""
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
        """Loads what the states are evaluated by, into the batch."""
        await self.load_stored_states(versions, batch)
        batch.use_rows(
            await self._load_rows(
                self._progress.active_filters.all_filters, self._history_cache, versions, batch
            )
        )

    async def load_chunk(self, versions: DocumentVersions, batch: Batch) -> None:
        """The same of customers whose data have not changed. Where all that is due for them is a
        change of the definitions, no more is loaded than this asks of."""
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
        """Loads long histories ahead, so that no batch has to wait for them. Returns how many rows
        there are to be read, at the most, to evaluate these states."""
        earliest = self._earliest_instant
        rows = [*self._history_cache.rows_to_read(versions, earliest)]
        long = [id_ for id_, number in zip(versions, rows, strict=True) if number >= LONG_ROWS]
        await self._history_cache.prefetch(
            {id_: HistoryRequest(*versions[id_], earliest) for id_ in long}
        )
        return sum(rows)

    async def load_stored_states(self, customer_ids: Iterable[str], batch: Batch) -> None:
        """Loads the stored states of customers into the batch."""
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
        """The first instant at which a customer is evaluated from now on."""
        revision, next_timer_at = batch.revision_of(id_, partition), batch.next_timer_at(id_)
        change_instants = (
            definition_change.committed_at
            for definition_change in self._progress.definition_changes
            if definition_change.revision > revision
        )
        return min([self._instant, *change_instants, *([next_timer_at] if next_timer_at else [])])

    @property
    def _earliest_instant(self) -> datetime:
        """Before which hardly any customer is evaluated: none that has waited for longer."""
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
        """Those who pass the only definition change, and have nothing else due."""
        definition_changes = self._progress.definition_changes
        if len(definition_changes) != 1 or definition_changes[0].gap_partitions:
            return {}
        return {
            id_: customer_versions
            for id_, customer_versions in versions.items()
            if not (next_timer_at := batch.next_timer_at(id_)) or next_timer_at > self._instant
        }
