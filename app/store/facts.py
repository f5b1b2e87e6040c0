"""What is known of customers: their documents, and the rows that filters ask of."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from pymongo.errors import OperationFailure

from app.domain.customers import Customer
from app.domain.ids import Kind
from app.domain.inputs import CustomerRef
from app.filters import Now
from app.filters.measuring import rows_ahead
from app.filters.tree import Measure
from app.store.collections import Database
from app.store.customers import as_customer, by_ref, small
from app.store.ids import keys, public
from app.store.segments import REVISION

Rows = Mapping[str, Sequence[Mapping[str, Any]]]
"""By collection, a customer's rows of those that were asked for."""

# More are not brought in one answer with the customer.
_MOST_ROWS = 1_000
_LARGEST = 16 * 1024


class Found(NamedTuple):
    """The revision of all definitions, the customer, and the rows: None where they are to be
    asked for by themselves."""

    revision: int
    customer: Customer | None
    rows: Rows | None


class Facts:
    """Reads what memberships are judged by."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(
        self,
        customer_ids: Sequence[str],
        needed: Iterable[Measure],
        now: Now,
        *,
        most: int | None = None,
    ) -> dict[str, Rows]:
        """By customer, the rows that the measures are taken of, now or by the passing of time
        alone; with `most`, no more of a collection than so many, and none that is large."""
        asked = _asked(needed, now)
        keys_ = keys(Kind.CUSTOMER, customer_ids)
        found: dict[str, dict[str, list[dict[str, Any]]]] = {
            id_: {name: [] for name in asked} for id_ in customer_ids
        }
        for collection, any_of in asked.items():
            query: dict[str, Any] = {"customerId": {"$in": keys_}, "$or": any_of}
            if most is not None:
                query |= small(_LARGEST)
            async for row in self._database[collection].find(query).limit(most or 0):
                found[public(Kind.CUSTOMER, row["customerId"])][collection].append(row)
        return dict(found)

    async def find(self, ref: CustomerRef, needed: Iterable[Measure], now: Now) -> Found:
        """All in one question: the price of a membership is a round trip."""
        asked = _asked(needed, now)
        rows: Rows | None = None
        try:
            row = await self._find(ref, asked)
            rows = {name: row.get(f"rows of {name}", []) for name in asked}
        except OperationFailure:
            # The rows may take more than one document can hold.
            row = await self._find(ref, {})
        if rows and max(map(len, rows.values())) > _MOST_ROWS:
            rows = None
        customers = row.get("customer") or []
        return Found(int(row["revision"]), as_customer(customers[0]) if customers else None, rows)

    async def _find(
        self, ref: CustomerRef, asked: Mapping[str, list[dict[str, Any]]]
    ) -> dict[str, Any]:
        query = by_ref(ref)
        stages: list[dict[str, Any]] = [{"$match": {"_id": REVISION}}]
        if query is not None:
            one = [{"$match": query}, {"$limit": 1}]
            stages.append({"$lookup": {"from": "customers", "pipeline": one, "as": "customer"}})
            stages += (
                {
                    "$lookup": {
                        "from": collection,
                        "localField": "customer._id",
                        "foreignField": "customerId",
                        "pipeline": [{"$match": {"$or": any_of}}, {"$limit": _MOST_ROWS + 1}],
                        "as": f"rows of {collection}",
                    }
                }
                for collection, any_of in asked.items()
            )
        answer = await self._database.command(
            {
                "aggregate": "fences",
                "pipeline": stages,
                "cursor": {},
                # What a majority has not committed may be rolled back. A command inherits nothing.
                "readConcern": {"level": "majority"},
            },
            codec_options=self._database.codec_options,
        )
        (row,) = answer["cursor"]["firstBatch"]
        return dict(row)


def _asked(needed: Iterable[Measure], now: Now) -> dict[str, list[dict[str, Any]]]:
    asked: dict[str, list[dict[str, Any]]] = {}
    for measure in needed:
        asked.setdefault(measure.source.collection, []).append(rows_ahead(measure, now))
    return asked
