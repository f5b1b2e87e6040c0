"""Who is in a static segment: one row a member."""

from collections.abc import Sequence
from typing import Any

from motor.motor_asyncio import AsyncIOMotorClientSession

from app.domain.customers import Customer
from app.domain.ids import Kind
from app.store.collections import Database
from app.store.customers import as_customer
from app.store.ids import key

FENCE = "members"


class Members:
    """The members collection."""

    def __init__(self, database: Database) -> None:
        self._collection = database.members

    async def add(
        self, segment_id: str, customer_ids: Sequence[str], transaction: AsyncIOMotorClientSession
    ) -> None:
        segment = key(Kind.SEGMENT, segment_id)
        rows = [
            {"segmentId": segment, "customerId": key(Kind.CUSTOMER, id_)} for id_ in customer_ids
        ]
        if rows:
            await self._collection.insert_many(rows, session=transaction)

    async def page(self, segment_id: str, after: str | None, most: int) -> list[Customer]:
        """The customers in the order of their ids, after one of them."""
        query: dict[str, Any] = {"segmentId": key(Kind.SEGMENT, segment_id)}
        if after is not None:
            query["customerId"] = {"$gt": key(Kind.CUSTOMER, after)}
        stages: list[dict[str, Any]] = [
            {"$match": query},
            {"$sort": {"customerId": 1}},
            {
                "$lookup": {
                    "from": "customers",
                    "localField": "customerId",
                    "foreignField": "_id",
                    "as": "customer",
                }
            },
            # Whoever is being deleted takes no place on the page.
            {"$unwind": "$customer"},
            {"$limit": most},
        ]
        found = self._collection.aggregate(stages, batchSize=most + 1)
        return [as_customer(row["customer"]) async for row in found]

    async def count(self, segment_id: str) -> int:
        query = {"segmentId": key(Kind.SEGMENT, segment_id)}
        return int(await self._collection.count_documents(query))

    async def delete_segment(self, segment_id: str, transaction: AsyncIOMotorClientSession) -> None:
        query = {"segmentId": key(Kind.SEGMENT, segment_id)}
        await self._collection.delete_many(query, session=transaction)
