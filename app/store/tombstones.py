"""Tombstones of deleted customers, segments and code pools whose rows are not deleted yet.

A deletion writes one tombstone in its transaction, however many rows there are. Readers ignore the
remaining rows, because their customer or segment does not exist. The sweeper
(`services/engine/sweeper.py`) deletes them in batches after the engine has processed the deletion.
Until then the engine needs them to evaluate the customer's last states.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from bson import ObjectId
from motor.motor_asyncio import AsyncIOMotorClientSession, AsyncIOMotorCollection
from pymongo import UpdateOne
from pymongo.read_concern import ReadConcern

from app.domain.ids import EntityKind
from app.store.change_stream import partition_of
from app.store.collections import Database
from app.store.ids import to_object_id, to_object_ids, to_public_id

RowCollection = AsyncIOMotorCollection[dict[str, Any]]


class CustomerTombstones:
    """The customerTombstones collection, and the remaining rows of deleted customers."""

    def __init__(self, database: Database) -> None:
        self._collection = database.customerTombstones
        self._majority = _majority_collection(database, "customerTombstones")
        by_customer = (database.events, database.orders, database.members, database.ledger)
        self._row_collections = [(rows, "customerId") for rows in by_customer] + [
            (database.loyaltyAccounts, "_id")
        ]

    async def add(self, customer_id: str, transaction: AsyncIOMotorClientSession) -> None:
        await self._collection.insert_one(
            {"_id": to_object_id(EntityKind.CUSTOMER, customer_id)}, session=transaction
        )

    async def add_missing(
        self, customer_ids: Iterable[str], transaction: AsyncIOMotorClientSession
    ) -> None:
        """Adds tombstones of customers who were deleted directly in MongoDB."""
        writes = [
            UpdateOne({"_id": key_}, {"$setOnInsert": {}}, upsert=True)
            for key_ in to_object_ids(EntityKind.CUSTOMER, customer_ids)
        ]
        if writes:
            await self._collection.bulk_write(writes, ordered=False, session=transaction)

    async def page(self, after: str | None, limit: int) -> dict[str, int]:
        """A page of deleted customers by id, after the id `after`, each with its partition.

        Reads with majority read concern: no election can undo these deletions.
        """
        stages: list[dict[str, Any]] = [
            {
                "$match": {}
                if after is None
                else {"_id": {"$gt": to_object_id(EntityKind.CUSTOMER, after)}}
            },
            {"$sort": {"_id": 1}},
            {"$limit": limit},
            {"$project": {"partition": partition_of("$_id")}},
        ]
        rows = self._majority.aggregate(stages, batchSize=limit + 1)
        return {
            to_public_id(EntityKind.CUSTOMER, row["_id"]): row["partition"] async for row in rows
        }

    async def sweep(self, customer_ids: Iterable[str], limit: int) -> int:
        """Deletes at most `limit` rows of these customers and returns their number.

        If there are none, deletes the tombstones and returns 0.
        """
        ids = to_object_ids(EntityKind.CUSTOMER, customer_ids)
        return await _sweep(self._collection, self._row_collections, ids, limit)


class SegmentTombstones:
    """The segmentTombstones collection, and the remaining rows of deleted segments."""

    def __init__(self, database: Database) -> None:
        self._collection = database.segmentTombstones
        self._majority = _majority_collection(database, "segmentTombstones")
        self._row_collections = (
            (database.members, "segmentId"),
            (database.retainedEntrances, "segmentId"),
            (database.segmentSizes, "_id.segment"),
        )

    async def add(self, segment_id: str, transaction: AsyncIOMotorClientSession) -> None:
        await self._collection.insert_one(
            {"_id": to_object_id(EntityKind.SEGMENT, segment_id)}, session=transaction
        )

    async def page(self, limit: int) -> list[str]:
        """At most `limit` deleted segments. Reads with majority read concern."""
        rows = self._majority.find().sort("_id", 1).limit(limit)
        return [to_public_id(EntityKind.SEGMENT, row["_id"]) async for row in rows]

    async def sweep(self, segment_ids: Iterable[str], limit: int) -> int:
        """Deletes at most `limit` rows of these segments and returns their number.

        If there are none, deletes the tombstones and returns 0.
        """
        ids = to_object_ids(EntityKind.SEGMENT, segment_ids)
        return await _sweep(self._collection, self._row_collections, ids, limit)


class CodePoolTombstones:
    """The codePoolTombstones collection, and the remaining codes of deleted pools."""

    def __init__(self, database: Database) -> None:
        self._collection = database.codePoolTombstones
        self._majority = _majority_collection(database, "codePoolTombstones")
        self._row_collections = ((database.codes, "_id.pool"),)

    async def add(self, pool_id: str, transaction: AsyncIOMotorClientSession) -> None:
        await self._collection.insert_one(
            {"_id": to_object_id(EntityKind.CODE_POOL, pool_id)}, session=transaction
        )

    async def page(self, limit: int) -> list[str]:
        """At most `limit` deleted pools. Reads with majority read concern."""
        rows = self._majority.find().sort("_id", 1).limit(limit)
        return [to_public_id(EntityKind.CODE_POOL, row["_id"]) async for row in rows]

    async def sweep(self, pool_ids: Iterable[str], limit: int) -> int:
        """Deletes at most `limit` codes of these pools and returns their number.

        If there are none, deletes the tombstones and returns 0.
        """
        ids = to_object_ids(EntityKind.CODE_POOL, pool_ids)
        return await _sweep(self._collection, self._row_collections, ids, limit)


def _majority_collection(database: Database, name: str) -> RowCollection:
    return database.get_collection(name, read_concern=ReadConcern("majority"))


async def _sweep(
    tombstones: RowCollection,
    row_collections: Iterable[tuple[RowCollection, str]],
    ids: list[ObjectId],
    limit: int,
) -> int:
    for rows, field in row_collections:
        if deleted := await _delete_batch(rows, {field: {"$in": ids}}, limit):
            return deleted
    await tombstones.delete_many({"_id": {"$in": ids}})
    return 0


async def _delete_batch(rows: RowCollection, query: Mapping[str, Any], limit: int) -> int:
    batch = await rows.find(query, {"_id": 1}).limit(limit).batch_size(limit + 1).to_list(None)
    if batch:
        await rows.delete_many({"_id": {"$in": [row["_id"] for row in batch]}})
    return len(batch)
