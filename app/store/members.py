"""Members of static segments: one row per segment and customer."""

from collections.abc import Sequence
from typing import Any

from motor.motor_asyncio import AsyncIOMotorClientSession

from app.domain.customers import Customer
from app.domain.ids import EntityKind
from app.store.collections import Database
from app.store.customers import as_customer
from app.store.ids import to_object_id

MEMBERS_REVISION = "members"

# With more deleted customers than this, `count` looks up each member's customer instead.
MAX_EXCLUDED_CUSTOMERS = 10_000
# Rows of deleted customers stay until the sweeper removes them.
_EXISTING_CUSTOMER_STAGES: list[dict[str, Any]] = [
    {
        "$lookup": {
            "from": "customers",
            "localField": "customerId",
            "foreignField": "_id",
            "as": "customer",
        }
    },
    {"$unwind": "$customer"},
]


class Members:
    """The members collection."""

    def __init__(self, database: Database) -> None:
        self._collection = database.members
        self._tombstones = database.customerTombstones

    async def add(
        self, segment_id: str, customer_ids: Sequence[str], transaction: AsyncIOMotorClientSession
    ) -> None:
        segment = to_object_id(EntityKind.SEGMENT, segment_id)
        rows = [
            {"segmentId": segment, "customerId": to_object_id(EntityKind.CUSTOMER, id_)}
            for id_ in customer_ids
        ]
        if rows:
            await self._collection.insert_many(rows, session=transaction)

    async def page(self, segment_id: str, after: str | None, limit: int) -> list[Customer]:
        """At most `limit` members by id, after the id `after`."""
        query: dict[str, Any] = {"segmentId": to_object_id(EntityKind.SEGMENT, segment_id)}
        if after is not None:
            query["customerId"] = {"$gt": to_object_id(EntityKind.CUSTOMER, after)}
        stages: list[dict[str, Any]] = [
            {"$match": query},
            {"$sort": {"customerId": 1}},
            *_EXISTING_CUSTOMER_STAGES,
            {"$limit": limit},
        ]
        cursor = self._collection.aggregate(stages, batchSize=limit + 1)
        return [as_customer(row["customer"]) async for row in cursor]

    async def count(self, segment_id: str) -> int:
        """The number of members whose customer exists."""
        query: dict[str, Any] = {"segmentId": to_object_id(EntityKind.SEGMENT, segment_id)}
        cursor = self._tombstones.find({}, {"_id": 1}).limit(MAX_EXCLUDED_CUSTOMERS + 1)
        deleted_customers = [row["_id"] for row in await cursor.to_list(None)]
        if len(deleted_customers) > MAX_EXCLUDED_CUSTOMERS:
            stages = [{"$match": query}, *_EXISTING_CUSTOMER_STAGES, {"$count": "count"}]
            counted = await self._collection.aggregate(stages).to_list(None)
            return sum(int(row["count"]) for row in counted)
        if deleted_customers:
            query["customerId"] = {"$nin": deleted_customers}
        return int(await self._collection.count_documents(query))
