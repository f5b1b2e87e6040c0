"""Loads histories of events and orders, and caches the long ones between changes.

A change of a customer with a cached history reads only the rows that were added or ended since the
cached version. So a customer with 200,000 events costs no more than one with a hundred.
"""

from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import NamedTuple

from app.domain.changes import Document, attribute_errors_to
from app.filters.sources import row_counts_by_source
from app.services.customer_history import (
    CustomerHistory,
    load_long_history,
    version_range,
)
from app.services.engine.active_filter_set import CompiledFilters
from app.store import Store
from app.store.customer_history import RowsByCollection
from app.store.history_query import HistoryQuery
from app.time_slice import TimeSlice

# A history of at least this many rows is read in columns, and built in a thread.
LONG_ROWS = 2_000
# Shorter histories are cheaper to read again than to keep.
_MIN_CACHED_ROWS = 64
# Of all cached histories together; the least recently used are evicted.
_MAX_CACHED_ROWS = 1_000_000


class HistoryRequest(NamedTuple):
    """The versions of one customer's document that are evaluated together, and the first instant of
    an evaluation."""

    partition: int
    documents: Sequence[Document]
    first_instant: datetime

    @property
    def last_document(self) -> Document:
        """The document of the highest version: all rows up to that version are committed."""
        return self.documents[0] if len(self.documents) == 1 else max(self.documents, key=_version)

    @property
    def goes_back(self) -> bool:
        """Whether a version is lower than the one before it: a direct write to MongoDB set it."""
        versions = [*map(_version, self.documents)]
        return versions != sorted(versions)


@dataclass
class _CachedHistory:
    """A history, the first instant at which it can be evaluated, and the customer's row counts by
    source as of the loaded version."""

    history: CustomerHistory
    first_instant: datetime
    counts_by_source: dict[str, int | None]
    row_count: int


class HistoryCache:
    """The histories for the filters of one CompiledFilters."""

    def __init__(self, store: Store, compiled_filters: CompiledFilters) -> None:
        self._store = store
        self._compiled_filters = compiled_filters
        self._cached: OrderedDict[str, _CachedHistory] = OrderedDict()
        self._cached_row_count = 0
        self._time_slice = TimeSlice()

    def rows_to_read(
        self, versions: Mapping[str, tuple[int, Sequence[Document]]], instant: datetime
    ) -> Iterator[int]:
        """For each customer, an upper bound of the rows to read; 0 if its history is cached."""
        query = self._compiled_filters.history_plan.query_since(instant)
        for id_, (_, documents) in versions.items():
            yield 0 if self.is_cached(id_) else _max_rows(documents, query)

    def is_cached(self, customer_id: str) -> bool:
        return customer_id in self._cached

    async def load(self, requests: Mapping[str, HistoryRequest]) -> dict[str, CustomerHistory]:
        """Returns the histories by customer id; customers without rows have none.

        Use them before the next load: a cached history advances with later requests.
        """
        if not requests:
            return {}
        query = self._build_query(requests)
        cached = {id_: self._cached[id_] for id_ in requests if self._can_serve(id_, requests[id_])}
        histories = await self._catch_up(cached, requests, query)
        # The ids of customers whose rows must be read, with an upper bound of the rows.
        missing_row_counts = {
            id_: rows
            for id_, request in requests.items()
            if id_ not in histories and (rows := _max_rows(request.documents, query))
        }
        for id_ in [id_ for id_, rows in missing_row_counts.items() if rows >= LONG_ROWS]:
            if self._may_load_in_columns(requests[id_]):
                histories[id_] = await self._load_long(id_, requests[id_], query)
        if short_ids := [id_ for id_ in missing_row_counts if id_ not in histories]:
            histories |= await self._load_short(short_ids, requests, query)
        for id_ in missing_row_counts:
            if id_ in histories:
                self._add_to_cache(id_, histories[id_], requests[id_], query)
        return histories

    async def prefetch(self, requests: Mapping[str, HistoryRequest]) -> None:
        """Loads long histories into the cache, ahead of their evaluation."""
        if not requests:
            return
        query = self._build_query(requests)
        for id_, request in requests.items():
            if not self.is_cached(id_) and self._may_load_in_columns(request):
                history = await self._load_long(id_, request, query)
                if not self.is_cached(id_):
                    self._add_to_cache(id_, history, request, query)

    def evict(self, customer_ids: Iterable[str]) -> None:
        """Removes these customers' histories from the cache."""
        for id_ in customer_ids:
            if (cached := self._cached.pop(id_, None)) is not None:
                self._cached_row_count -= cached.row_count

    def _build_query(self, requests: Mapping[str, HistoryRequest]) -> HistoryQuery:
        return self._compiled_filters.history_plan.query_since(
            min(request.first_instant for request in requests.values())
        )

    def _can_serve(self, id_: str, request: HistoryRequest) -> bool:
        cached = self._cached.get(id_)
        return (
            cached is not None
            and not request.goes_back
            and cached.first_instant <= request.first_instant
            and cached.history.can_advance_to(min(map(_version, request.documents)))
        )

    async def _catch_up(
        self,
        cached_histories: Mapping[str, _CachedHistory],
        requests: Mapping[str, HistoryRequest],
        query: HistoryQuery,
    ) -> dict[str, CustomerHistory]:
        """Loads into cached histories the rows that changed since, and returns these histories.

        It evicts and leaves out a history whose row counts differ from those in the customer's
        document: rows were written directly to MongoDB.
        """
        versions = {
            id_: cached.history.loaded_version
            for id_, cached in cached_histories.items()
            if cached.history.loaded_version < _version(requests[id_].last_document)
        }
        changes = (
            await self._store.customer_history.read_changed_rows(versions, query)
            if versions
            else {}
        )
        histories = {
            id_: cached.history for id_, cached in cached_histories.items() if id_ not in versions
        }
        for id_ in histories:
            # Unchanged histories count as used. One may have been evicted during the read.
            if id_ in self._cached:
                self._cached.move_to_end(id_)
        for id_, previous_version in versions.items():
            cached = cached_histories[id_]
            rows = changes.get(id_, {})
            last_document = requests[id_].last_document
            counts_by_source = query.count_by_source(last_document)
            loaded_version = _version(last_document)
            with attribute_errors_to(requests[id_].partition, id_):
                if counts_by_source != _counts_after_changes(
                    cached.counts_by_source, rows, previous_version, loaded_version
                ):
                    self.evict([id_])
                    continue
                cached.history.apply_changes(rows, loaded_version)
            await self._time_slice.yield_when_spent()
            cached.counts_by_source = counts_by_source
            histories[id_] = cached.history
            # A concurrent prefetch may have replaced or evicted it during the read.
            if self._cached.get(id_) is cached:
                self._cached_row_count += len(cached.history) - cached.row_count
                cached.row_count = len(cached.history)
                self._cached.move_to_end(id_)
        self._evict_least_recent()
        return histories

    async def _load_short(
        self, ids: Sequence[str], requests: Mapping[str, HistoryRequest], query: HistoryQuery
    ) -> dict[str, CustomerHistory]:
        histories = {}
        for id_, rows in (await self._store.customer_history.read_rows(ids, query)).items():
            await self._time_slice.yield_when_spent()
            with attribute_errors_to(requests[id_].partition, id_):
                histories[id_] = history = self._new_history(requests[id_], query)
                for collection, collection_rows in rows.items():
                    history.add_rows(collection, collection_rows)
        return histories

    async def _load_long(
        self, id_: str, request: HistoryRequest, query: HistoryQuery
    ) -> CustomerHistory:
        history = self._new_history(request, query)
        error_context = partial(attribute_errors_to, request.partition, id_)
        await load_long_history(
            history, id_, self._store, query, request.first_instant, error_context
        )
        return history

    def _may_load_in_columns(self, request: HistoryRequest) -> bool:
        return not (
            request.goes_back
            or any(layout.scanned_kinds for layout in self._compiled_filters.history_layouts)
        )

    def _new_history(self, request: HistoryRequest, query: HistoryQuery) -> CustomerHistory:
        return CustomerHistory(
            self._compiled_filters.history_layouts,
            _version(request.documents[0]),
            _version(request.last_document),
            query.earliest_needed_at,
            may_go_back=request.goes_back,
        )

    def _add_to_cache(
        self, id_: str, history: CustomerHistory, request: HistoryRequest, query: HistoryQuery
    ) -> None:
        self.evict([id_])
        row_count = len(history)
        if row_count < _MIN_CACHED_ROWS or history.may_go_back:
            return
        self._cached[id_] = _CachedHistory(
            history, request.first_instant, query.count_by_source(request.last_document), row_count
        )
        self._cached_row_count += row_count
        self._evict_least_recent()

    def _evict_least_recent(self) -> None:
        """Evicts the least recently used histories while the cache has too many rows."""
        while self._cached_row_count > _MAX_CACHED_ROWS and len(self._cached) > 1:
            self.evict([next(iter(self._cached))])


def _max_rows(states: Sequence[Document], query: HistoryQuery) -> int:
    """An upper bound of the rows to read in order to evaluate these documents."""
    return (
        query.estimate_rows(states[0])
        if len(states) == 1
        else max(map(query.estimate_rows, states))
    )


def _version(document: Document) -> int:
    version = document.get("version")
    return version if isinstance(version, int) else 0


def _counts_after_changes(
    counts: Mapping[str, int | None],
    changes: RowsByCollection,
    previous_version: int,
    loaded_version: int,
) -> dict[str, int | None]:
    """The row counts by source after the rows that were added and ended between two versions."""
    count_changes: Counter[str] = Counter()
    for collection, rows in changes.items():
        for row in rows:
            since, until = version_range(row)
            sign = (previous_version < since <= loaded_version) - (
                previous_version < until <= loaded_version
            )
            for name, row_count in row_counts_by_source(collection, row).items():
                count_changes[name] += sign * row_count
    return {
        name: (count or 0) + count_changes[name]
        if count is not None or count_changes[name]
        else None
        for name, count in counts.items()
    }
