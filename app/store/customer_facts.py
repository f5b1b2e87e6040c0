"""Reads what the evaluator needs: customers' documents, and their rows that filters use."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from pymongo.errors import OperationFailure

from app.domain.customers import Customer
from app.domain.ids import EntityKind
from app.domain.inputs import CustomerRef
from app.filters import Now
from app.filters.measure_stages import candidate_rows_predicate
from app.filters.tree import Measure
from app.store.collections import Database
from app.store.customers import as_customer, ref_query, smaller_than
from app.store.ids import to_object_ids, to_public_id
from app.store.reads import run_read_command
from app.store.segments import DEFINITIONS_REVISION
from app.store.time_limit import to_milliseconds, translate_timeout

Rows = Mapping[str, Sequence[Mapping[str, Any]]]
"""By collection, the requested rows of one customer."""

# With more rows than this, `read` returns the customer without rows.
_MAX_ROWS_PER_COLLECTION = 1_000
_MAX_ROW_BYTES = 16 * 1024
_ROWS_PER_BATCH = 10_000


class StoredFacts(NamedTuple):
    """The definitions revision, the customer, and its rows.

    `rows` is None if there are too many for one answer; read them with `read_rows`.
    """

    revision: int
    customer: Customer | None
    rows: Rows | None


class CustomerFactsReader:
    """Reads the facts that determine memberships."""

    def __init__(self, database: Database, max_seconds: float) -> None:
        self._database = database
        self._max_seconds = max_seconds

    async def read_rows(
        self,
        customer_ids: Sequence[str],
        measures: Iterable[Measure],
        now: Now,
        *,
        limit: int | None = None,
    ) -> dict[str, Rows]:
        """Returns, by customer, the rows that the measures aggregate, now or later as time passes.

        With `limit`, reads at most that many rows of each collection, and no large rows. Raises
        QueryTimeout.
        """
        conditions_by_collection = _conditions_by_collection(measures, now)
        customer_keys = to_object_ids(EntityKind.CUSTOMER, customer_ids)
        rows_by_customer: dict[str, dict[str, list[dict[str, Any]]]] = {
            id_: {name: [] for name in conditions_by_collection} for id_ in customer_ids
        }
        for collection, conditions in conditions_by_collection.items():
            query: dict[str, Any] = {"customerId": {"$in": customer_keys}, "$or": conditions}
            if limit is not None:
                query |= smaller_than(_MAX_ROW_BYTES)
            cursor = self._database[collection].find(
                query,
                limit=limit or 0,
                batch_size=_ROWS_PER_BATCH,
                max_time_ms=to_milliseconds(self._max_seconds),
            )
            with translate_timeout(self._max_seconds):
                rows = await cursor.to_list(None)
            for row in rows:
                rows_by_customer[to_public_id(EntityKind.CUSTOMER, row["customerId"])][
                    collection
                ].append(row)
        return dict(rows_by_customer)

    async def read(self, ref: CustomerRef, measures: Iterable[Measure], now: Now) -> StoredFacts:
        """Reads everything in one query, so that a membership costs one round trip. Raises
        QueryTimeout."""
        conditions_by_collection = _conditions_by_collection(measures, now)
        rows: Rows | None = None
        try:
            row = await self._read_row(ref, conditions_by_collection)
            rows = {name: row.get(f"rows of {name}", []) for name in conditions_by_collection}
        except OperationFailure:
            # Another limit than that of time: the rows may exceed the size limit of one document.
            row = await self._read_row(ref, {})
        if rows and max(map(len, rows.values())) > _MAX_ROWS_PER_COLLECTION:
            rows = None
        customers = row.get("customer") or []
        return StoredFacts(
            int(row["revision"]), as_customer(customers[0]) if customers else None, rows
        )

    async def _read_row(
        self, ref: CustomerRef, conditions_by_collection: Mapping[str, list[dict[str, Any]]]
    ) -> dict[str, Any]:
        query = ref_query(ref)
        stages: list[dict[str, Any]] = [{"$match": {"_id": DEFINITIONS_REVISION}}]
        if query is not None:
            customer_pipeline = [{"$match": query}, {"$limit": 1}]
            stages.append(
                {"$lookup": {"from": "customers", "pipeline": customer_pipeline, "as": "customer"}}
            )
            stages += (
                {
                    "$lookup": {
                        "from": collection,
                        "localField": "customer._id",
                        "foreignField": "customerId",
                        "pipeline": [
                            {"$match": {"$or": conditions}},
                            {"$limit": _MAX_ROWS_PER_COLLECTION + 1},
                        ],
                        "as": f"rows of {collection}",
                    }
                }
                for collection, conditions in conditions_by_collection.items()
            )
        command = {
            "aggregate": "counters",
            "pipeline": stages,
            "cursor": {},
            "maxTimeMS": to_milliseconds(self._max_seconds),
        }
        with translate_timeout(self._max_seconds):
            answer = await run_read_command(self._database, command)
        (row,) = answer["cursor"]["firstBatch"]
        return dict(row)


def _conditions_by_collection(
    measures: Iterable[Measure], now: Now
) -> dict[str, list[dict[str, Any]]]:
    conditions_by_collection: dict[str, list[dict[str, Any]]] = {}
    for measure in measures:
        conditions_by_collection.setdefault(measure.source.collection, []).append(
            candidate_rows_predicate(measure, now)
        )
    return conditions_by_collection
