"""Reads the rows that belong to states of customers, superseded rows included.

A customer's state has a version. A row of an event or order belongs to the states from its
`sinceVersion` on and, if it has an `untilVersion`, to those before that version.
"""

from bisect import bisect_left
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from pymongo.errors import OperationFailure

from app.domain.ids import EntityKind
from app.filters.aggregates import value_expression
from app.filters.event_history import Columns, to_epoch_milliseconds
from app.filters.fields import Field
from app.filters.sources import (
    EVENTS_COLLECTION,
    ORDERS_COLLECTION,
    STATIC_MEMBERS_COLLECTION,
    RowSource,
)
from app.store.collections import Database
from app.store.history_query import CollectionQuery, Document, HistoryQuery
from app.store.ids import to_object_id, to_object_ids, to_public_id

RowsByCollection = Mapping[str, Sequence[Document]]
"""By collection, the rows of one customer."""

MAX_PAGE_VALUES = 20_000
_ROWS_PER_BATCH = 1_000
# MongoDB's errors for a page that exceeds the size of a document, or the memory of a stage.
_RESULT_TOO_LARGE_CODES = (10334, 17280, 17419, 17420, 146)
_CUSTOMER_VERSION_INDEX = [("customerId", 1), ("sinceVersion", 1)]
_CUSTOMER_EVENT_TIME_INDEX = {"customerId": 1, "name": 1, "at": -1}
_MAX_CUSTOMERS_PER_QUERY = 200


class CustomerHistoryReader:
    """Reads the rows from which the engine evaluates the states of customers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read_rows(
        self, customer_ids: Sequence[str], query: HistoryQuery
    ) -> dict[str, RowsByCollection]:
        """Returns, by customer, all rows of the query, of any version."""
        rows_by_customer: dict[str, dict[str, list[Document]]] = {}
        for collection, collection_query in query.collections.items():
            predicate = {
                "customerId": {"$in": to_object_ids(EntityKind.CUSTOMER, customer_ids)},
                **collection_query.predicate,
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
                    instants[:end],
                    {field: page[0][name][:end] for field, name in columns_by_field.items()},
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
                **collection_query.predicate,
            }
            if collection == EVENTS_COLLECTION:
                predicate["$or"] = [{"sinceVersion": {"$gt": version}}, {"sinceVersion": None}]
            rows_by_collection[collection] = await self._read_rows(
                collection, predicate, collection_query
            )
        return rows_by_collection

    async def _read_rows(
        self, collection: str, predicate: Mapping[str, Any], collection_query: CollectionQuery
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
                predicate = {"$or": clauses, **collection_query.source_predicate}
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
