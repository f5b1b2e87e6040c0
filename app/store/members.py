"""Members of static segments: one row per segment and customer."""

from collections.abc import Sequence
from typing import Any

from motor.motor_asyncio import AsyncIOMotorClientSession

from app.domain.customers import Customer
from app.domain.ids import EntityKind
from app.store.collections import Database
from app.store.customers import as_customer
from app.store.ids import to_object_id, to_object_ids, to_public_id
from app.store.reads import read_page

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
        self._database = database
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

    async def pages(
        self,
        segment_ids: Sequence[str],
        after: str | None,
        limit: int,
        *,
        with_metadata: bool,
    ) -> dict[str, list[Customer]]:
        """By segment, at most `limit` members by id, after the id `after`. A segment without
        members is left out. Raises PageTooLarge."""
        segments = [{"_id": key} for key in to_object_ids(EntityKind.SEGMENT, segment_ids)]
        after_query: dict[str, Any] = (
            {}
            if after is None
            else {"customerId": {"$gt": to_object_id(EntityKind.CUSTOMER, after)}}
        )
        member_stages: list[dict[str, Any]] = [
            {"$match": after_query},
            {"$sort": {"customerId": 1}},
            *_EXISTING_CUSTOMER_STAGES,
            {"$limit": limit},
        ]
        if not with_metadata:
            member_stages.append({"$project": {"customer.metadata": 0}})
        # With $unwind right after it, $lookup returns the members one by one: together the members
        # of a segment may exceed the size of a document.
        stages: list[dict[str, Any]] = [
            {"$documents": segments},
            {
                "$lookup": {
                    "from": self._collection.name,
                    "localField": "_id",
                    "foreignField": "segmentId",
                    "pipeline": member_stages,
                    "as": "member",
                }
            },
            {"$unwind": "$member"},
        ]
        pages: dict[str, list[Customer]] = {}
        if segments:
            command = {
                "aggregate": 1,
                "pipeline": stages,
                "cursor": {"batchSize": len(segments) * limit + 1},
            }
            for row in await read_page(self._database, command):
                segment_id = to_public_id(EntityKind.SEGMENT, row["_id"])
                pages.setdefault(segment_id, []).append(as_customer(row["member"]["customer"]))
        return pages

    async def counts(self, segment_ids: Sequence[str]) -> dict[str, int]:
        """By segment, the number of members whose customer exists. A segment without members is
        left out."""
        query: dict[str, Any] = {
            "segmentId": {"$in": to_object_ids(EntityKind.SEGMENT, segment_ids)}
        }
        cursor = self._tombstones.find({}, {"_id": 1}).limit(MAX_EXCLUDED_CUSTOMERS + 1)
        deleted_customers = [row["_id"] for row in await cursor.to_list(None)]
        stages: list[dict[str, Any]] = [{"$match": query}]
        if len(deleted_customers) > MAX_EXCLUDED_CUSTOMERS:
            stages += _EXISTING_CUSTOMER_STAGES
        elif deleted_customers:
            query["customerId"] = {"$nin": deleted_customers}
        stages.append({"$group": {"_id": "$segmentId", "count": {"$sum": 1}}})
        counted = self._collection.aggregate(stages, batchSize=len(segment_ids) + 1)
        return {
            to_public_id(EntityKind.SEGMENT, row["_id"]): int(row["count"])
            for row in await counted.to_list(None)
        }
