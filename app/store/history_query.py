"""Which rows of customers the engine has to read to evaluate a set of measures.

A plan is built once for the measures of all active filters. For an instant it gives a query: by
collection, the sources, the instant from which on their rows matter, and the fields to read.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import chain
from typing import Any, NamedTuple

from app.filters.fields import Field
from app.filters.sources import (
    COUNTED_ORDER_STATUSES,
    ORDER_ITEMS_KEY,
    ORDERS_COLLECTION,
    STATIC_MEMBERS_COLLECTION,
    RowSource,
)
from app.filters.tree import FixedWindow, Measure, SlidingWindow

Document = Mapping[str, Any]

_ALWAYS_READ_FIELDS = ("_id", "customerId", "name", "at", "sinceVersion", "untilVersion", "status")
# Of each item of an order at least this field is read, so that the items can be counted.
_ALWAYS_READ_ITEM_FIELD = (ORDER_ITEMS_KEY, "sku")


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
            name: _projection(fields_by_source) for name, fields_by_source in self._columns.items()
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
            name: CollectionQuery(
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
        count, last_at = source.summary_field("count"), source.summary_field("lastAt")
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


class CollectionQuery(NamedTuple):
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

    @property
    def predicate(self) -> dict[str, Any]:
        """The predicate of all rows that the query reads, of any version."""
        earliest = self.earliest_needed_at
        bounds = {} if earliest is None else {"at": {"$gte": earliest}}
        return {**self.source_predicate, **bounds}

    @property
    def source_predicate(self) -> dict[str, Any]:
        """The predicate of the rows of the sources, of any version and time."""
        if any(source.collection == ORDERS_COLLECTION for source in self.sources):
            needs_only_items = all(source.array_key for source in self.sources)
            has_items = {ORDER_ITEMS_KEY: {"$exists": True}} if needs_only_items else {}
            return {"status": {"$in": list(COUNTED_ORDER_STATUSES)}, **has_items}
        return {"name": {"$in": [source.name for source in self.sources]}}


class HistoryQuery(NamedTuple):
    """Which rows to read: by collection, and the static segments whose member lists matter."""

    collections: dict[str, CollectionQuery]
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
        row_count = 0
        # Runs several times per customer, so it avoids generators and look-ups by source.
        for collection_query in self.collections.values():
            sinces = collection_query.sources.values()
            for summary, since in zip(collection_query.summaries.values(), sinces, strict=True):
                row_count += summary.rows_since(document, since)
        return row_count

    def count_by_source(self, document: Document) -> dict[str, int | None]:
        """By source name, the number of rows as the document says; None if it does not."""
        return {
            source.name: summary.count(document)
            for collection_query in self.collections.values()
            for source, summary in collection_query.summaries.items()
        }


def _projection(fields_by_source: Mapping[RowSource, Sequence[Field]]) -> dict[str, int]:
    """The projection. MongoDB rejects a path together with a prefix of it, so only the prefix
    is included."""
    included_paths: set[tuple[str, ...]] = {(name,) for name in _ALWAYS_READ_FIELDS}
    if any(source.array_key for source in fields_by_source):
        included_paths.add(_ALWAYS_READ_ITEM_FIELD)
    paths = [field.document_keys for field in chain.from_iterable(fields_by_source.values())]
    for path in sorted(paths, key=len):
        if not any(path[:end] in included_paths for end in range(1, len(path) + 1)):
            included_paths.add(path)
    return {".".join(path): 1 for path in included_paths}
