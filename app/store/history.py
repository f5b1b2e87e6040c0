"""The rows that the states of customers include, those that have ended among them.

A row of an event or order is part of the states from the version `since` on and, where it has an
`until`, before that one.
"""

from bisect import bisect_left
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import chain
from typing import Any, NamedTuple

from pymongo.errors import OperationFailure

from app.domain.ids import Kind
from app.filters.aggregates import value_at
from app.filters.event_history import Columns, milliseconds
from app.filters.fields import Field, activity
from app.filters.sources import COUNTED_STATUSES, EVENTS, LISTS, ORDERS, Source
from app.filters.tree import Last, Measure, Range
from app.store.collections import Database
from app.store.ids import key, keys, public

Document = Mapping[str, Any]
Rows = Mapping[str, Sequence[Document]]
"""By collection, a customer's rows."""

PAGE_ROWS = 20_000
_ROWS_AT_ONCE = 1_000
# What MongoDB says where a page would be too large for one document, or for its memory.
_TOO_LARGE = (10334, 17280, 17419, 17420, 146)
_BY_VERSION = [("customerId", 1), ("since", 1)]
_BY_TIME = {"customerId": 1, "name": 1, "at": -1}
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
        fields: dict[str, dict[Source, dict[Field, None]]] = {}
        for measure in measures:
            collection = measure.source.collection
            sources = self._needed.setdefault(collection, {})
            sources.setdefault(measure.source, _Needed()).by(measure)
            read = fields.setdefault(collection, {}).setdefault(measure.source, {})
            read.update((where.field, None) for where in measure.where)
            if measure.property is not None:
                read[measure.property] = None
        self._list_keys = [each.match["segmentId"] for each in self._needed.pop(LISTS, {})]
        self._columns = {
            name: {source: list(of) for source, of in fields[name].items()} for name in self._needed
        }
        self._fields = {
            name: _projection(field.stored for field in chain.from_iterable(of.values()))
            for name, of in self._columns.items()
        }
        self._summaries = {
            name: {source: _Summary(source) for source in of} for name, of in self._needed.items()
        }
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
                self._summaries[name],
                self._fields[name],
                self._columns[name],
            )
            for name, sources in self._needed.items()
        }
        return HistoryQuery(wanted, self._list_keys)


class _Summary:
    """What a customer's document tells of the rows of one source."""

    def __init__(self, source: Source) -> None:
        count, last_at = activity(source.name, "count"), activity(source.name, "lastAt")
        assert count is not None
        assert last_at is not None
        self._parent, *entry = last_at.stored[:-1]
        # Custom events have an entry for each name; orders have one, of themselves.
        self._entry = entry[0] if entry else None
        self._count, self._last_at = count.stored[-1], last_at.stored[-1]

    def _of(self, document: Document) -> Mapping[str, Any] | None:
        entry = document.get(self._parent)
        if self._entry is not None and isinstance(entry, dict):
            entry = entry.get(self._entry)
        return entry if isinstance(entry, dict) else None

    def count(self, document: Document) -> int | None:
        """How many rows there are in all, None where the document does not tell."""
        if (entry := self._of(document)) is None:
            return 0
        count = entry.get(self._count, 0)
        return count if isinstance(count, int) else None

    def rows_since(self, document: Document, since: datetime | None) -> int:
        """How many rows there are at most at `since` or later, None for ever; one at least where
        there are any."""
        if (entry := self._of(document)) is None:
            return 0
        last_at = entry.get(self._last_at)
        if not isinstance(last_at, datetime) or (since is not None and last_at < since):
            return 0
        count = entry.get(self._count)
        return max(1, count) if isinstance(count, int) else 1


class _Wanted(NamedTuple):
    """What is asked for in one collection: the sources with the instant from which rows of each may
    matter (None for any), their summaries, and the fields to read, as a projection and one by
    one."""

    sources: dict[Source, datetime | None]
    summaries: Mapping[Source, _Summary]
    fields: dict[str, int]
    columns: Mapping[Source, Sequence[Field]]

    @property
    def first(self) -> datetime | None:
        """The instant before which no row of any source matters; None where all may."""
        sinces = self.sources.values()
        return None if None in sinces else min(since for since in sinces if since is not None)


class HistoryQuery(NamedTuple):
    """Which rows are asked for: by collection, and in the lists of which static segments."""

    wanted: dict[str, _Wanted]
    list_keys: list[object]

    @property
    def firsts(self) -> dict[str, datetime | None]:
        """By collection, the instant before which no row is asked for."""
        return {name: wanted.first for name, wanted in self.wanted.items()}

    def rows(self, document: Document) -> int:
        """How many rows the customer may have of those asked for, as its document tells."""
        number = 0
        # Asked for each customer more than once: no generator, no look-up by source.
        for wanted in self.wanted.values():
            sinces = wanted.sources.values()
            for summary, since in zip(wanted.summaries.values(), sinces, strict=True):
                number += summary.rows_since(document, since)
        return number

    def counts(self, document: Document) -> dict[str, int | None]:
        """By the names of the sources, how many rows there are of each in all, as the document
        tells."""
        return {
            source.name: summary.count(document)
            for wanted in self.wanted.values()
            for source, summary in wanted.summaries.items()
        }


class History:
    """Reads the rows by which the states of customers are evaluated."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, customer_ids: Sequence[str], query: HistoryQuery) -> dict[str, Rows]:
        """By customer, all rows that the query asks for."""
        found: dict[str, dict[str, list[Document]]] = {}
        for collection, wanted in query.wanted.items():
            asked = {"customerId": {"$in": keys(Kind.CUSTOMER, customer_ids)}, **_any_of(wanted)}
            for row in await self._rows(collection, asked, wanted):
                rows = found.setdefault(public(Kind.CUSTOMER, row["customerId"]), {})
                rows.setdefault(collection, []).append(row)
        return dict(found)

    async def events_in_columns(
        self, customer_id: str, query: HistoryQuery, version: float
    ) -> AsyncIterator[tuple[Source, Columns]]:
        """One customer's events that the query asks for and that the state of a version includes:
        in columns, so many at a time, those of each source in the order of time. MongoDB puts the
        columns together, which takes a fraction of the time that as many documents take."""
        if (wanted := query.wanted.get(EVENTS)) is None:
            return
        for source, first in wanted.sources.items():
            events = {
                "customerId": key(Kind.CUSTOMER, customer_id),
                **source.match,
                "since": {"$lte": version},
            }
            async for columns in self._pages(events, wanted.columns[source], first):
                yield source, columns

    async def _pages(
        self, events: Mapping[str, Any], fields: Sequence[Field], first: datetime | None
    ) -> AsyncIterator[Columns]:
        names = {field: f"column{number}" for number, field in enumerate(fields)}
        read = {name: {"$ifNull": [value_at(field), None]} for field, name in names.items()}
        pushed = {name: {"$push": f"${name}"} for name in ("at", *read)}
        after: dict[str, Any] = {"$type": "date"} if first is None else {"$gte": first}
        rows = max(1, PAGE_ROWS // (1 + len(fields)))
        while True:
            stages: list[dict[str, Any]] = [
                {"$match": {**events, "at": after}},
                {"$sort": {"at": 1}},
                {"$limit": rows},
                {"$project": {"_id": 0, "moment": "$at", "at": {"$toLong": "$at"}, **read}},
                {"$group": {"_id": None, "last": {"$last": "$moment"}, **pushed}},
            ]
            try:
                page = await self._database[EVENTS].aggregate(stages, hint=_BY_TIME).to_list(1)
            except OperationFailure as error:
                if error.code not in _TOO_LARGE or rows == 1:
                    raise
                rows = max(1, rows // 8)
                continue
            instants = page[0]["at"] if page else []
            is_full, end = len(instants) == rows, len(instants)
            if is_full:
                # There may be more of the last instant: they come with the next page, or apart
                # where they fill one.
                end = bisect_left(instants, instants[-1])
                after = {"$gte": page[0]["last"]}
            if end:
                yield Columns(instants[:end], {f: page[0][name][:end] for f, name in names.items()})
            elif is_full:
                async for columns in self._of_one_instant(events, fields, page[0]["last"]):
                    yield columns
                after = {"$gt": page[0]["last"]}
            if not is_full:
                return

    async def _of_one_instant(
        self, events: Mapping[str, Any], fields: Sequence[Field], at: datetime
    ) -> AsyncIterator[Columns]:
        """The same of the events of one instant, however many they are."""
        cursor = self._database[EVENTS].find({**events, "at": at}, hint=_BY_TIME)
        while rows := await cursor.to_list(_ROWS_AT_ONCE):
            instants = [milliseconds(row["at"]) for row in rows]
            yield Columns(instants, {field: [*map(field.read, rows)] for field in fields})

    async def other_rows(
        self, customer_id: str, query: HistoryQuery, version: float
    ) -> dict[str, list[Document]]:
        """One customer's rows that the query asks for and `events_in_columns` leaves out."""
        found = {}
        for collection, wanted in query.wanted.items():
            asked = {"customerId": key(Kind.CUSTOMER, customer_id), **_any_of(wanted)}
            if collection == EVENTS:
                asked["$or"] = [{"since": {"$gt": version}}, {"since": None}]
            found[collection] = await self._rows(collection, asked, wanted)
        return found

    async def _rows(
        self, collection: str, asked: Mapping[str, Any], wanted: _Wanted
    ) -> list[Document]:
        # By an index whose keys never change: no row is missed, or met twice, that is superseded
        # while the others are read.
        found = self._database[collection].find(asked, wanted.fields, hint=_BY_VERSION)
        return [row async for row in found]

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
                for row in await self._rows(collection, asked, wanted):
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
        return found


def _any_of(wanted: _Wanted) -> dict[str, Any]:
    """The predicate of all rows of the sources, in whatever state."""
    bounds = {} if wanted.first is None else {"at": {"$gte": wanted.first}}
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
