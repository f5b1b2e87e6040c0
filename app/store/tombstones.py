"""Tombstones of deleted customers, segments and code pools whose rows are not deleted yet.

A deletion writes one tombstone in its transaction, however many rows there are. Readers ignore the
remaining rows, because their customer or segment does not exist. The sweeper
(`services/engine/sweeper.py`) deletes them in batches after the engine has processed the deletion.
Until then the engine needs them to evaluate the customer's last states.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from motor.motor_asyncio import AsyncIOMotorClientSession, AsyncIOMotorCollection
from pymongo import UpdateOne
from pymongo.read_concern import ReadConcern

from app.domain.ids import EntityKind
from app.store.change_stream import partition_of
from app.store.collections import Database
from app.store.delivery_retention import DeliveryRetention
from app.store.ids import to_object_id, to_object_ids, to_public_id

RowCollection = AsyncIOMotorCollection[dict[str, Any]]


class Tombstones:
    """One collection of tombstones, and the remaining rows of the deleted entities.

    `fields_by_collection` names, by collection, the field with the entity's id.
    """

    def __init__(
        self,
        database: Database,
        kind: EntityKind,
        collection_name: str,
        fields_by_collection: Mapping[str, str],
    ) -> None:
        self._kind = kind
        self._collection = database[collection_name]
        self._majority = database.get_collection(
            collection_name, read_concern=ReadConcern("majority")
        )
        self._row_collections = [
            (database[name], field) for name, field in fields_by_collection.items()
        ]

    async def add(self, id_: str, transaction: AsyncIOMotorClientSession) -> None:
        await self._collection.insert_one(
            {"_id": to_object_id(self._kind, id_)}, session=transaction
        )

    async def first_page(self, limit: int) -> list[str]:
        """At most `limit` deleted entities.

        Reads with majority read concern: no election can undo these deletions.
        """
        rows = self._majority.find().sort("_id", 1).limit(limit)
        return [to_public_id(self._kind, row["_id"]) async for row in rows]

    async def sweep(self, entity_ids: Iterable[str], limit: int) -> int:
        """Deletes at most `limit` rows of these entities and returns their number.

        If there are none, deletes the tombstones and returns 0.
        """
        ids = to_object_ids(self._kind, entity_ids)
        for rows, field in self._row_collections:
            if deleted := await _delete_batch(rows, {field: {"$in": ids}}, limit):
                return deleted
        await self._collection.delete_many({"_id": {"$in": ids}})
        return 0


def segment_tombstones(database: Database) -> Tombstones:
    """The tombstones of segments."""
    fields_by_collection = {
        "members": "segmentId",
        "retainedEntrances": "segmentId",
        "segmentChanges": "segmentId",
        "segmentSizes": "_id.segment",
    }
    return Tombstones(database, EntityKind.SEGMENT, "segmentTombstones", fields_by_collection)


def code_pool_tombstones(database: Database) -> Tombstones:
    """The tombstones of code pools."""
    fields_by_collection = {"codes": "_id.pool"}
    return Tombstones(database, EntityKind.CODE_POOL, "codePoolTombstones", fields_by_collection)


class CustomerTombstones(Tombstones):
    """The tombstones of customers. The engine needs the partition of each."""

    def __init__(self, database: Database) -> None:
        by_customer = ("events", "orders", "members", "ledger")
        fields_by_collection = dict.fromkeys(by_customer, "customerId") | {
            "loyaltyAccounts": "_id",
            # The counts of those who referred a deleted customer stay.
            "referrals": "_id.referee",
            "referralCounts": "_id.referrer",
            "referralRewards": "_id.referrer",
        }
        super().__init__(database, EntityKind.CUSTOMER, "customerTombstones", fields_by_collection)
        self._deliveries = DeliveryRetention(database)

    async def sweep(self, entity_ids: Iterable[str], limit: int) -> int:
        """Like `Tombstones.sweep`. Deliveries stay, without what they hold of the customers."""
        ids = list(entity_ids)
        keys = to_object_ids(EntityKind.CUSTOMER, ids)
        return await self._deliveries.forget_customers(keys, limit) or await super().sweep(
            ids, limit
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

    async def page_after(self, after: str | None, limit: int) -> dict[str, int]:
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


async def _delete_batch(rows: RowCollection, query: Mapping[str, Any], limit: int) -> int:
    batch = await rows.find(query, {"_id": 1}).limit(limit).batch_size(limit + 1).to_list(None)
    if batch:
        await rows.delete_many({"_id": {"$in": [row["_id"] for row in batch]}})
    return len(batch)
