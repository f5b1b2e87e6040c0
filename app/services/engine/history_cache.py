"""Loads the histories of customers, and keeps the long ones from one change to the next.

A change of a customer with 200,000 events then costs no more than one of a customer with a hundred:
what is read is what has changed since.
"""

from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import NamedTuple

from app.domain.changes import Document, attribute_errors_to
from app.filters.sources import ORDER_EVENT_NAME, ORDERS_COLLECTION
from app.services.customer_history import (
    CustomerHistory,
    RowsByCollection,
    load_long_history,
    version_range,
)
from app.services.engine.active_filter_set import CompiledFilters
from app.store import Store
from app.store.history_query import HistoryQuery
from app.time_slice import TimeSlice

# From so many rows on a history is read in columns, and built in a thread.
LONG_ROWS = 2_000
_MIN_CACHED_ROWS, _MAX_CACHED_ROWS = 64, 1_000_000


class HistoryRequest(NamedTuple):
    """The states of one customer that are evaluated together, and the first instant at which one of
    them is."""

    partition: int
    documents: Sequence[Document]
    first_instant: datetime

    @property
    def last_document(self) -> Document:
        """The last state: all rows up to its version are committed."""
        return self.documents[0] if len(self.documents) == 1 else max(self.documents, key=_version)

    @property
    def goes_back(self) -> bool:
        """Whether a version is below one before: somebody has written it past the program."""
        versions = [*map(_version, self.documents)]
        return versions != sorted(versions)


@dataclass
class _CachedHistory:
    """A history, from which instant on it can tell, and how many rows of each source the customer
    had in all."""

    history: CustomerHistory
    first_instant: datetime
    counts_by_source: dict[str, int | None]
    row_count: int


class HistoryCache:
    """The histories by which the filters of one set are evaluated."""

    def __init__(self, store: Store, compiled_filters: CompiledFilters) -> None:
        self._store = store
        self._compiled_filters = compiled_filters
        self._cached: OrderedDict[str, _CachedHistory] = OrderedDict()
        self._cached_row_count = 0
        self._time_slice = TimeSlice()

    def rows_to_read(
        self, versions: Mapping[str, tuple[int, Sequence[Document]]], instant: datetime
    ) -> Iterator[int]:
        """For each customer, how many rows must be read at the most to evaluate these states."""
        query = self._compiled_filters.history_plan.query_since(instant)
        for id_, (_, documents) in versions.items():
            yield 0 if self.is_cached(id_) else _most_rows(documents, query)

    def is_cached(self, customer_id: str) -> bool:
        return customer_id in self._cached

    async def load(self, requests: Mapping[str, HistoryRequest]) -> dict[str, CustomerHistory]:
        """By customer, what is needed to evaluate these states; nothing of customers without rows.
        To be used before others are loaded."""
        if not requests:
            return {}
        query = self._build_query(requests)
        cached = {id_: self._cached[id_] for id_ in requests if self._can_serve(id_, requests[id_])}
        histories = await self._catch_up(cached, requests, query)
        # By customer, those whose rows must be read.
        missing_ids = {
            id_: rows
            for id_, request in requests.items()
            if id_ not in histories and (rows := _most_rows(request.documents, query))
        }
        for id_ in [id_ for id_, rows in missing_ids.items() if rows >= LONG_ROWS]:
            if self._may_load_in_columns(requests[id_]):
                histories[id_] = await self._load_long(id_, requests[id_], query)
        if short_ids := [id_ for id_ in missing_ids if id_ not in histories]:
            histories |= await self._load_short(short_ids, requests, query)
        for id_ in missing_ids:
            if id_ in histories:
                self._add_to_cache(id_, histories[id_], requests[id_], query)
        return histories

    async def prefetch(self, requests: Mapping[str, HistoryRequest]) -> None:
        """Loads long histories ahead of their evaluation."""
        if not requests:
            return
        query = self._build_query(requests)
        for id_, request in requests.items():
            if not self.is_cached(id_) and self._may_load_in_columns(request):
                history = await self._load_long(id_, request, query)
                if not self.is_cached(id_):
                    self._add_to_cache(id_, history, request, query)

    def evict(self, customer_ids: Iterable[str]) -> None:
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
        """The kept histories, brought to the states that are asked for. Those are left out of
        customers whose rows somebody has written past the program, as the counts in their
        documents show."""
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
            # Those that have not changed were asked for, too; one may be gone meanwhile.
            if id_ in self._cached:
                self._cached.move_to_end(id_)
        for id_, previous_version in versions.items():
            cached, last_document, rows = (
                cached_histories[id_],
                requests[id_].last_document,
                changes.get(id_, {}),
            )
            counts_by_source, loaded_version = (
                query.count_by_source(last_document),
                _version(last_document),
            )
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
            # Another one may have taken its place, or it may be gone, while MongoDB was asked.
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

    def _may_load_in_columns(self, asked: HistoryRequest) -> bool:
        return not (
            asked.goes_back
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
        """Forgets those that were not asked for longest, where they are too many."""
        while self._cached_row_count > _MAX_CACHED_ROWS and len(self._cached) > 1:
            self.evict([next(iter(self._cached))])


def _most_rows(states: Sequence[Document], query: HistoryQuery) -> int:
    """How many rows must be read at the most to evaluate these states."""
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
    """How many rows there are of each source after what has come and ended between two versions."""
    count_changes: Counter[str] = Counter()
    for collection, rows in changes.items():
        for row in rows:
            since, until = version_range(row)
            name = ORDER_EVENT_NAME if collection == ORDERS_COLLECTION else row["name"]
            count_changes[name] += (previous_version < since <= loaded_version) - (
                previous_version < until <= loaded_version
            )
    return {
        name: (count or 0) + count_changes[name]
        if count is not None or count_changes[name]
        else None
        for name, count in counts.items()
    }
