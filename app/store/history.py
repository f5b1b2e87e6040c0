"""The rows that the states of customers include, those that have ended among them.

A row of an event or order is part of the states from the version `since` on and, where it has an
`until`, before that one.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from app.domain.ids import Kind
from app.filters.fields import activity
from app.filters.sources import COUNTED_STATUSES, LISTS, ORDERS, Source
from app.filters.tree import Last, Measure, Range
from app.store.collections import Database
from app.store.departures import Departures
from app.store.ids import key, keys, public

Document = Mapping[str, Any]
Rows = Mapping[str, Sequence[Document]]
"""By collection, a customer's rows."""

CHUNK_ROWS = 5_000
_MAX_CUSTOMERS_PER_QUERY = 200
_STANDING = ("_id", "customerId", "name", "at", "since", "until", "status")


class _Needed:
    """From which instant on the rows of one source matter to some measures."""

    def __init__(self) -> None:
        self._always = False
        self._longest = timedelta()
        self._earliest: datetime | None = None

    def by(self, measure: Measure) -> None:
        """Needed by one measure more."""
        match measure.window:
            case Last(length):
                self._longest = max(self._longest, length)
            case Range(start, _):
                self._earliest = min(start, self._earliest or start)
            case None:
                self._always = True

    def first(self, since: datetime) -> datetime | None:
        """The instant before which no row matters at `since` or later; None where all do."""
        if self._always:
            return None
        first = since - self._longest
        return first if self._earliest is None else min(first, self._earliest)


class HistoryPlan:
    """Which rows a number of measures are taken of: worked out once for all customers."""

    def __init__(self, measures: Iterable[Measure]) -> None:
        self._needed: dict[str, dict[Source, _Needed]] = {}
        paths: dict[str, set[tuple[str, ...]]] = {}
        for measure in measures:
            collection = measure.source.collection
            sources = self._needed.setdefault(collection, {})
            sources.setdefault(measure.source, _Needed()).by(measure)
            read = paths.setdefault(collection, set())
            read.update(where.field.stored for where in measure.where)
            if measure.property is not None:
                read.add(measure.property.stored)
        self._list_keys = [each.match["segmentId"] for each in self._needed.pop(LISTS, {})]
        self._fields = {name: _projection(paths[name]) for name in self._needed}
        self._last: tuple[datetime, HistoryQuery] | None = None

    def since(self, instant: datetime) -> "HistoryQuery":
        """What may be asked for at an instant or later."""
        # The same instant is asked about for each customer of a batch.
        if self._last is None or self._last[0] != instant:
            self._last = instant, self._since(instant)
        return self._last[1]

    def _since(self, instant: datetime) -> "HistoryQuery":
        wanted = {
            name: _Wanted(
                {source: needed.first(instant) for source, needed in sources.items()},
                self._fields[name],
            )
            for name, sources in self._needed.items()
        }
        return HistoryQuery(wanted, self._list_keys)


class _Wanted(NamedTuple):
    """What is asked for in one collection: the sources with the instant from which rows of each may
    matter (None for any), and the fields to read."""

    sources: dict[Source, datetime | None]
    fields: dict[str, int]


class HistoryQuery(NamedTuple):
    """Which rows are asked for: by collection, and in the lists of which static segments."""

    wanted: dict[str, _Wanted]
    list_keys: list[object]

    def rows(self, document: Document) -> int:
        """How many rows the customer may have of those asked for, as its document tells."""
        return sum(
            max(1, _count(document, source) or 0)
            for wanted in self.wanted.values()
            for source, since in wanted.sources.items()
            if _may_have(document, source, since)
        )

    def counts(self, document: Document) -> dict[str, int | None]:
        """By the names of the sources, how many rows there are of each in all, as the document
        tells."""
        return {
            source.name: _count(document, source)
            for wanted in self.wanted.values()
            for source in wanted.sources
        }

    def is_asked_of(self, document: Document) -> bool:
        """Whether the customer may have such rows, as its document tells."""
        return any(
            _may_have(document, source, since)
            for wanted in self.wanted.values()
            for source, since in wanted.sources.items()
        )


class History:
    """Reads the rows by which the states of customers are evaluated."""

    def __init__(self, database: Database, departures: Departures) -> None:
        self._database = database
        self._departures = departures

    async def of(self, customer_ids: Sequence[str], query: HistoryQuery) -> dict[str, Rows]:
        """By customer, all rows that the query asks for. For few rows: they come as a whole."""
        found: dict[str, dict[str, list[Document]]] = {}
        for collection, wanted in query.wanted.items():
            asked = {"customerId": {"$in": keys(Kind.CUSTOMER, customer_ids)}, **_any_of(wanted)}
            async for row in self._database[collection].find(asked, wanted.fields):
                rows = found.setdefault(public(Kind.CUSTOMER, row["customerId"]), {})
                rows.setdefault(collection, []).append(row)
        return dict(found)

    async def chunks(
        self, customer_id: str, query: HistoryQuery
    ) -> AsyncIterator[tuple[str, list[Document]]]:
        """All rows of one customer that the query asks for, at most `CHUNK_ROWS` at a time, each
        time with their collection."""
        for collection, wanted in query.wanted.items():
            asked = {"customerId": key(Kind.CUSTOMER, customer_id), **_any_of(wanted)}
            cursor = self._database[collection].find(asked, wanted.fields, batch_size=CHUNK_ROWS)
            while rows := await cursor.to_list(CHUNK_ROWS):
                yield collection, [*rows]

    async def changed(
        self, versions: Mapping[str, int], query: HistoryQuery
    ) -> dict[str, dict[str, list[Document]]]:
        """By customer, the rows asked for that have come or ended since the customer's version."""
        found: dict[str, dict[str, list[Document]]] = {}
        customers = list(versions.items())
        for collection, wanted in query.wanted.items():
            for first in range(0, len(customers), _MAX_CUSTOMERS_PER_QUERY):
                some = customers[first : first + _MAX_CUSTOMERS_PER_QUERY]
                clauses = [
                    {"customerId": key(Kind.CUSTOMER, id_), edge: {"$gt": version}}
                    for id_, version in some
                    # Events end with their customer alone, which has no state after that.
                    for edge in (("since", "until") if collection == ORDERS else ("since",))
                ]
                asked = {"$or": clauses, **_of_sources(wanted)}
                async for row in self._database[collection].find(asked, wanted.fields):
                    rows = found.setdefault(public(Kind.CUSTOMER, row["customerId"]), {})
                    rows.setdefault(collection, []).append(row)
        return found

    async def lists(
        self, customer_ids: Sequence[str], query: HistoryQuery
    ) -> dict[str, list[Document]]:
        """By customer, its rows in the lists of static segments that the query asks for."""
        found: dict[str, list[Document]] = {}
        if not query.list_keys:
            return found
        asked = {
            "customerId": {"$in": keys(Kind.CUSTOMER, customer_ids)},
            "segmentId": {"$in": query.list_keys},
        }
        async for row in self._database[LISTS].find(asked):
            found.setdefault(public(Kind.CUSTOMER, row["customerId"]), []).append(row)
        for id_, left in (await self._departures.lists(customer_ids)).items():
            found.setdefault(id_, []).extend(left)
        return found


def _count(document: Document, source: Source) -> int | None:
    """How many rows of the source there are in all; None where the document does not tell."""
    count = activity(source.name, "count")
    assert count is not None
    found = count.read(document)
    return found if isinstance(found, int) else None


def _may_have(document: Document, source: Source, since: datetime | None) -> bool:
    last_at = activity(source.name, "lastAt")
    assert last_at is not None
    last = last_at.read(document)
    return isinstance(last, datetime) and (since is None or last >= since)


def _any_of(wanted: _Wanted) -> dict[str, Any]:
    """The predicate of all rows of the sources, in whatever state."""
    sinces = wanted.sources.values()
    first = min((since for since in sinces if since is not None), default=None)
    bounds = {} if first is None or None in sinces else {"at": {"$gte": first}}
    return {**_of_sources(wanted), **bounds}


def _of_sources(wanted: _Wanted) -> dict[str, Any]:
    if any(source.collection == ORDERS for source in wanted.sources):
        return {"status": {"$in": list(COUNTED_STATUSES)}}
    return {"name": {"$in": [source.name for source in wanted.sources]}}


def _projection(paths: Iterable[tuple[str, ...]]) -> dict[str, int]:
    """The fields to read: MongoDB takes no path beside one that leads to it."""
    read: set[tuple[str, ...]] = {(name,) for name in _STANDING}
    for path in sorted(paths, key=len):
        if not any(path[:end] in read for end in range(1, len(path) + 1)):
            read.add(path)
    return {".".join(path): 1 for path in read}
