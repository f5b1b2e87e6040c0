"""Reads the rows that belong to states of customers, superseded rows included.

A customer's state has a version. A row of an event or order belongs to the states from its
`sinceVersion` on and, if it has an `untilVersion`, to those before that version.
"""

from bisect import bisect_left
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import chain
from typing import Any, NamedTuple

from pymongo.errors import OperationFailure

from app.domain.ids import EntityKind
from app.filters.aggregates import value_expression
from app.filters.event_history import Columns, to_epoch_milliseconds
from app.filters.fields import Field, activity_field
from app.filters.sources import (
    COUNTED_ORDER_STATUSES,
    EVENTS_COLLECTION,
    ORDERS_COLLECTION,
    STATIC_MEMBERS_COLLECTION,
    RowSource,
)
from app.filters.tree import FixedWindow, Measure, SlidingWindow
from app.store.collections import Database
from app.store.ids import to_object_id, to_object_ids, to_public_id

Document = Mapping[str, Any]
Rows = Mapping[str, Sequence[Document]]
"""By collection, the rows of one customer."""

MAX_PAGE_VALUES = 20_000
_ROWS_PER_BATCH = 1_000
# MongoDB's errors for a page that exceeds the size of a document, or the memory of a stage.
_RESULT_TOO_LARGE_CODES = (10334, 17280, 17419, 17420, 146)
_CUSTOMER_VERSION_INDEX = [("customerId", 1), ("sinceVersion", 1)]
_CUSTOMER_EVENT_TIME_INDEX = {"customerId": 1, "name": 1, "at": -1}
_MAX_CUSTOMERS_PER_QUERY = 200
_ALWAYS_READ_FIELDS = ("_id", "customerId", "name", "at", "sinceVersion", "untilVersion", "status")


class _NeededRange:
    """The instant from which on the rows of one source matter to a set of measures."""

    def __init__(self) -> None:
        self._needs_all = False
        self._longest_window = timedelta()
        self._earliest_start: datetime | None = None

    def include(self, measure: Measure) -> None:
        """Extends the range by what the measure needs."""
        match measure.window:
            case SlidingWindow(length):
                self._longest_window = max(self._longest_window, length)
            case FixedWindow(start, _):
                self._earliest_start = min(start, self._earliest_start or start)
            case None:
                self._needs_all = True

    def earliest_needed_at(self, instant: datetime) -> datetime | None:
        """The instant before which no row matters at `instant` or later; None if all matter."""
        if self._needs_all:
            return None
        earliest = instant - self._longest_window
        return earliest if self._earliest_start is None else min(earliest, self._earliest_start)


class HistoryPlan:
    """Which rows a set of measures needs. Built once for all customers."""

    def __init__(self, measures: Iterable[Measure]) -> None:
        self._needed_ranges: dict[str, dict[RowSource, _NeededRange]] = {}
        fields: dict[str, dict[RowSource, dict[Field, None]]] = {}
        for measure in measures:
            collection = measure.source.collection
            sources = self._needed_ranges.setdefault(collection, {})
            sources.setdefault(measure.source, _NeededRange()).include(measure)
            source_fields = fields.setdefault(collection, {}).setdefault(measure.source, {})
            source_fields.update((condition.field, None) for condition in measure.where)
            if measure.property is not None:
                source_fields[measure.property] = None
        self._static_segment_keys = [
            static_source.predicate["segmentId"]
            for static_source in self._needed_ranges.pop(STATIC_MEMBERS_COLLECTION, {})
        ]
        self._columns = {
            name: {
                source: list(fields_by_source) for source, fields_by_source in fields[name].items()
            }
            for name in self._needed_ranges
        }
        self._projections = {
            name: _projection(
                field.document_keys for field in chain.from_iterable(fields_by_source.values())
            )
            for name, fields_by_source in self._columns.items()
        }
        self._summaries = {
            name: {source: _Summary(source) for source in fields_by_source}
            for name, fields_by_source in self._needed_ranges.items()
        }
        self._last_query: tuple[datetime, HistoryQuery] | None = None

    def query_since(self, instant: datetime) -> "HistoryQuery":
        """The query for the rows that matter at an instant or later."""
        # All customers of a batch have the same instant.
        if self._last_query is None or self._last_query[0] != instant:
            self._last_query = instant, self._build_query(instant)
        return self._last_query[1]

    def _build_query(self, instant: datetime) -> "HistoryQuery":
        collection_queries = {
            name: _CollectionQuery(
                {
                    source: needed_range.earliest_needed_at(instant)
                    for source, needed_range in sources.items()
                },
                self._summaries[name],
                self._projections[name],
                self._columns[name],
            )
            for name, sources in self._needed_ranges.items()
        }
        return HistoryQuery(collection_queries, self._static_segment_keys)


class _Summary:
    """Reads the summary of one source, its row count and last instant, in a customer's document."""

    def __init__(self, source: RowSource) -> None:
        count, last_at = activity_field(source.name, "count"), activity_field(source.name, "lastAt")
        assert count is not None
        assert last_at is not None
        self._parent, *entry = last_at.document_keys[:-1]
        # Custom events have a summary per event name; orders have a single one.
        self._entry = entry[0] if entry else None
        self._count, self._last_at = count.document_keys[-1], last_at.document_keys[-1]

    def _of(self, document: Document) -> Mapping[str, Any] | None:
        entry = document.get(self._parent)
        if self._entry is not None and isinstance(entry, dict):
            entry = entry.get(self._entry)
        return entry if isinstance(entry, dict) else None

    def count(self, document: Document) -> int | None:
        """The number of rows; None if the document does not contain a valid count."""
        if (entry := self._of(document)) is None:
            return 0
        count = entry.get(self._count, 0)
        return count if isinstance(count, int) else None

    def rows_since(self, document: Document, since: datetime | None) -> int:
        """An upper estimate of the rows at `since` or later; all rows if `since` is None.

        At least 1 if there may be any.
        """
        if (entry := self._of(document)) is None:
            return 0
        last_at = entry.get(self._last_at)
        if not isinstance(last_at, datetime) or (since is not None and last_at < since):
            return 0
        count = entry.get(self._count)
        return max(1, count) if isinstance(count, int) else 1


class _CollectionQuery(NamedTuple):
    """The part of a query that concerns one collection.

    `sources` maps each source to the instant from which on its rows matter (None: all rows).
    `projection` and `columns` name the fields to read, for documents and for columns.
    """

    sources: dict[RowSource, datetime | None]
    summaries: Mapping[RowSource, _Summary]
    projection: dict[str, int]
    columns: Mapping[RowSource, Sequence[Field]]

    @property
    def earliest_needed_at(self) -> datetime | None:
        """The instant before which no row of any source matters; None if all rows matter."""
        needed_since = self.sources.values()
        return (
            None
            if None in needed_since
            else min(since for since in needed_since if since is not None)
        )


class HistoryQuery(NamedTuple):
    """Which rows to read: by collection, and the static segments whose member lists matter."""

    collections: dict[str, _CollectionQuery]
    static_segment_keys: list[object]

    @property
    def earliest_needed_at(self) -> dict[str, datetime | None]:
        """By collection, the instant before which the query needs no row; None if it needs all."""
        return {
            name: collection_query.earliest_needed_at
            for name, collection_query in self.collections.items()
        }

    def estimate_rows(self, document: Document) -> int:
        """An upper estimate of the customer's rows that the query reads, from its document."""
        number = 0
        # Runs several times per customer, so it avoids generators and look-ups by source.
        for collection_query in self.collections.values():
            sinces = collection_query.sources.values()
            for summary, since in zip(collection_query.summaries.values(), sinces, strict=True):
                number += summary.rows_since(document, since)
        return number

    def count_by_source(self, document: Document) -> dict[str, int | None]:
        """By source name, the number of rows as the document says; None if it does not."""
        return {
            source.name: summary.count(document)
            for collection_query in self.collections.values()
            for source, summary in collection_query.summaries.items()
        }


class CustomerHistoryReader:
    """Reads the rows from which the engine evaluates the states of customers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read_rows(self, customer_ids: Sequence[str], query: HistoryQuery) -> dict[str, Rows]:
        """Returns, by customer, all rows of the query, of any version."""
        rows_by_customer: dict[str, dict[str, list[Document]]] = {}
        for collection, collection_query in query.collections.items():
            predicate = {
                "customerId": {"$in": to_object_ids(EntityKind.CUSTOMER, customer_ids)},
                **_predicate(collection_query),
            }
            for row in await self._read_rows(collection, predicate, collection_query):
                rows = rows_by_customer.setdefault(
                    to_public_id(EntityKind.CUSTOMER, row["customerId"]), {}
                )
                rows.setdefault(collection, []).append(row)
        return dict(rows_by_customer)

    async def read_event_columns(
        self, customer_id: str, query: HistoryQuery, version: float
    ) -> AsyncIterator[tuple[RowSource, Columns]]:
        """Yields the query's events of one customer that belong to the state of a version.

        Yields pages of columns, those of each source in the order of time. MongoDB assembles the
        columns, which is several times faster than reading the same events as documents.
        """
        if (collection_query := query.collections.get(EVENTS_COLLECTION)) is None:
            return
        for source, earliest in collection_query.sources.items():
            predicate = {
                "customerId": to_object_id(EntityKind.CUSTOMER, customer_id),
                **source.predicate,
                "sinceVersion": {"$lte": version},
            }
            async for columns in self._read_column_pages(
                predicate, collection_query.columns[source], earliest
            ):
                yield source, columns

    async def _read_column_pages(
        self, predicate: Mapping[str, Any], fields: Sequence[Field], earliest: datetime | None
    ) -> AsyncIterator[Columns]:
        columns_by_field = {field: f"column{number}" for number, field in enumerate(fields)}
        projection = {
            name: {"$ifNull": [value_expression(field), None]}
            for field, name in columns_by_field.items()
        }
        pushes = {name: {"$push": f"${name}"} for name in ("at", *projection)}
        at_condition: dict[str, Any] = {"$type": "date"} if earliest is None else {"$gte": earliest}
        page_rows = max(1, MAX_PAGE_VALUES // (1 + len(fields)))
        while True:
            stages: list[dict[str, Any]] = [
                {"$match": {**predicate, "at": at_condition}},
                {"$sort": {"at": 1}},
                {"$limit": page_rows},
                {"$project": {"_id": 0, "instant": "$at", "at": {"$toLong": "$at"}, **projection}},
                {"$group": {"_id": None, "last": {"$last": "$instant"}, **pushes}},
            ]
            try:
                page = (
                    await self._database[EVENTS_COLLECTION]
                    .aggregate(stages, hint=_CUSTOMER_EVENT_TIME_INDEX)
                    .to_list(1)
                )
            except OperationFailure as error:
                if error.code not in _RESULT_TOO_LARGE_CODES or page_rows == 1:
                    raise
                page_rows = max(1, page_rows // 8)
                continue
            instants = page[0]["at"] if page else []
            is_full, end = len(instants) == page_rows, len(instants)
            if is_full:
                # More events may have the last instant. The next page reads them, or
                # `_read_instant` if they fill a page alone.
                end = bisect_left(instants, instants[-1])
                at_condition = {"$gte": page[0]["last"]}
            if end:
                yield Columns(
                    instants[:end], {f: page[0][name][:end] for f, name in columns_by_field.items()}
                )
            elif is_full:
                async for columns in self._read_instant(predicate, fields, page[0]["last"]):
                    yield columns
                at_condition = {"$gt": page[0]["last"]}
            if not is_full:
                return

    async def _read_instant(
        self, predicate: Mapping[str, Any], fields: Sequence[Field], instant: datetime
    ) -> AsyncIterator[Columns]:
        """Yields pages of columns of the events of a single instant, without a limit."""
        cursor = self._database[EVENTS_COLLECTION].find(
            {**predicate, "at": instant}, hint=_CUSTOMER_EVENT_TIME_INDEX
        )
        while rows := await cursor.to_list(_ROWS_PER_BATCH):
            instants = [to_epoch_milliseconds(row["at"]) for row in rows]
            yield Columns(instants, {field: [*map(field.read, rows)] for field in fields})

    async def read_other_rows(
        self, customer_id: str, query: HistoryQuery, version: float
    ) -> dict[str, list[Document]]:
        """Returns one customer's rows of the query that `read_event_columns` leaves out."""
        rows_by_collection = {}
        for collection, collection_query in query.collections.items():
            predicate = {
                "customerId": to_object_id(EntityKind.CUSTOMER, customer_id),
                **_predicate(collection_query),
            }
            if collection == EVENTS_COLLECTION:
                predicate["$or"] = [{"sinceVersion": {"$gt": version}}, {"sinceVersion": None}]
            rows_by_collection[collection] = await self._read_rows(
                collection, predicate, collection_query
            )
        return rows_by_collection

    async def _read_rows(
        self, collection: str, predicate: Mapping[str, Any], collection_query: _CollectionQuery
    ) -> list[Document]:
        # This index's keys never change. So the scan neither misses nor repeats a row that is
        # superseded during the read.
        cursor = self._database[collection].find(
            predicate, collection_query.projection, hint=_CUSTOMER_VERSION_INDEX
        )
        return [row async for row in cursor]

    async def read_changed_rows(
        self, versions: Mapping[str, int], query: HistoryQuery
    ) -> dict[str, dict[str, list[Document]]]:
        """Returns, by customer, the rows of the query that were added or superseded after the
        customer's version."""
        rows_by_customer: dict[str, dict[str, list[Document]]] = {}
        customers = list(versions.items())
        for collection, collection_query in query.collections.items():
            for start in range(0, len(customers), _MAX_CUSTOMERS_PER_QUERY):
                batch = customers[start : start + _MAX_CUSTOMERS_PER_QUERY]
                clauses = [
                    {
                        "customerId": to_object_id(EntityKind.CUSTOMER, id_),
                        version_field: {"$gt": version},
                    }
                    for id_, version in batch
                    # An event ends only with its customer, which has no state after that.
                    for version_field in (
                        ("sinceVersion", "untilVersion")
                        if collection == ORDERS_COLLECTION
                        else ("sinceVersion",)
                    )
                ]
                predicate = {"$or": clauses, **_source_predicate(collection_query)}
                for row in await self._read_rows(collection, predicate, collection_query):
                    rows = rows_by_customer.setdefault(
                        to_public_id(EntityKind.CUSTOMER, row["customerId"]), {}
                    )
                    rows.setdefault(collection, []).append(row)
        return rows_by_customer

    async def read_static_memberships(
        self, customer_ids: Sequence[str], query: HistoryQuery
    ) -> dict[str, list[Document]]:
        """Returns, by customer, its rows in the member lists of the query's static segments."""
        rows_by_customer: dict[str, list[Document]] = {}
        if not query.static_segment_keys:
            return rows_by_customer
        predicate = {
            "customerId": {"$in": to_object_ids(EntityKind.CUSTOMER, customer_ids)},
            "segmentId": {"$in": query.static_segment_keys},
        }
        async for row in self._database[STATIC_MEMBERS_COLLECTION].find(predicate):
            rows_by_customer.setdefault(
                to_public_id(EntityKind.CUSTOMER, row["customerId"]), []
            ).append(row)
        return rows_by_customer


def _predicate(collection_query: _CollectionQuery) -> dict[str, Any]:
    """The predicate of all rows of the sources, of any version."""
    bounds = (
        {}
        if collection_query.earliest_needed_at is None
        else {"at": {"$gte": collection_query.earliest_needed_at}}
    )
    return {**_source_predicate(collection_query), **bounds}


def _source_predicate(collection_query: _CollectionQuery) -> dict[str, Any]:
    if any(source.collection == ORDERS_COLLECTION for source in collection_query.sources):
        return {"status": {"$in": list(COUNTED_ORDER_STATUSES)}}
    return {"name": {"$in": [source.name for source in collection_query.sources]}}


def _projection(paths: Iterable[tuple[str, ...]]) -> dict[str, int]:
    """The projection. MongoDB rejects a path together with a prefix of it, so only the prefix
    is included."""
    included_paths: set[tuple[str, ...]] = {(name,) for name in _ALWAYS_READ_FIELDS}
    for path in sorted(paths, key=len):
        if not any(path[:end] in included_paths for end in range(1, len(path) + 1)):
            included_paths.add(path)
    return {".".join(path): 1 for path in included_paths}
