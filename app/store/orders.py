"""Orders: append-only revisions, one of which is current.

`sinceVersion` is the version of the customer that added the revision, `untilVersion` the one that
superseded it. So the version of a customer's state determines which orders belong to it.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from bson import ObjectId
from motor.motor_asyncio import AsyncIOMotorClientSession
from pymongo import InsertOne, UpdateOne
from pymongo.read_concern import ReadConcern

from app.domain.ids import EntityKind
from app.domain.orders import Order, OrderItem, OrderSummary
from app.filters.sources import COUNTED_ORDER_STATUSES, ORDER_ITEMS_KEY
from app.store.change_stream import partition_of
from app.store.collections import ORDERS_BY_CUSTOMER_INDEX, Database
from app.store.customers import existing_keys
from app.store.ids import to_object_id, to_public_id
from app.store.timeline import older_than

_CUSTOMER_INDEX_HINT = list(ORDERS_BY_CUSTOMER_INDEX.document["key"].items())


class Orders:
    """The orders collection."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._collection = database.orders
        self._majority = database.get_collection("orders", read_concern=ReadConcern("majority"))

    async def current(
        self, source_ids: Sequence[str], transaction: AsyncIOMotorClientSession
    ) -> dict[str, Order]:
        """Returns the current orders by sourceId.

        Orders of deleted customers, which the sweeper has not deleted yet, are not returned; they
        stop being current, which frees their sourceIds.
        """
        query = {"sourceId": {"$in": list(source_ids)}, "current": True}
        cursor = self._collection.find(query, session=transaction)
        # One more than expected, so that a single answer exhausts the cursor.
        rows = await cursor.batch_size(len(source_ids) + 1).to_list(None)
        if not rows:
            return {}
        existing_customers = await existing_keys(
            self._database, (row["customerId"] for row in rows), transaction
        )
        if freed := [row["_id"] for row in rows if row["customerId"] not in existing_customers]:
            await self._collection.update_many(
                {"_id": {"$in": freed}}, {"$unset": {"current": ""}}, session=transaction
            )
        return {
            row["sourceId"]: _order(row) for row in rows if row["customerId"] in existing_customers
        }

    async def revise(
        self,
        superseded: Iterable[tuple[Order, int]],
        added: Iterable[tuple[Order, int]],
        transaction: AsyncIOMotorClientSession,
    ) -> None:
        """Ends and adds revisions, each at the given version of its customer."""
        writes: list[UpdateOne | InsertOne[dict[str, Any]]] = [
            UpdateOne(
                {"orderId": to_object_id(EntityKind.ORDER, order.id), "current": True},
                {"$set": {"untilVersion": until_version}, "$unset": {"current": ""}},
            )
            for order, until_version in superseded
        ]
        writes += [InsertOne(_document(order, since_version)) for order, since_version in added]
        if writes:
            # Ordered: a revision must end before the next one can use its sourceId.
            await self._collection.bulk_write(writes, ordered=True, session=transaction)

    async def summaries(
        self, customer_ids: Sequence[str], transaction: AsyncIOMotorClientSession
    ) -> dict[str, OrderSummary]:
        """Computes, by customer id, the summaries from all counted orders, without the number of
        items: the query reads no orders but only an index."""
        stages: list[dict[str, Any]] = [
            {
                "$match": {
                    "customerId": {
                        "$in": [to_object_id(EntityKind.CUSTOMER, id_) for id_ in customer_ids]
                    },
                    "current": True,
                    "status": {"$in": list(COUNTED_ORDER_STATUSES)},
                }
            },
            {
                "$group": {
                    "_id": "$customerId",
                    "count": {"$sum": 1},
                    "amount": {"$sum": "$amount"},
                    "first": {"$min": "$at"},
                    "last": {
                        "$top": {
                            "sortBy": {"at": -1, "sinceVersion": -1, "_id": -1},
                            "output": ["$at", "$amount"],
                        }
                    },
                }
            },
        ]
        cursor = self._collection.aggregate(stages, session=transaction)
        return {
            to_public_id(EntityKind.CUSTOMER, row["_id"]): OrderSummary(
                row["count"], int(row["amount"]), row["last"][1], row["first"], row["last"][0]
            )
            async for row in cursor
        }

    async def count_items(
        self, customer_ids: Sequence[str], transaction: AsyncIOMotorClientSession
    ) -> dict[str, int]:
        """Counts, by customer id, the items of all counted orders."""
        keys = [to_object_id(EntityKind.CUSTOMER, id_) for id_ in customer_ids]
        stages: list[dict[str, Any]] = [
            {
                "$match": {
                    "customerId": {"$in": keys},
                    "current": True,
                    "status": {"$in": list(COUNTED_ORDER_STATUSES)},
                    ORDER_ITEMS_KEY: {"$exists": True},
                }
            },
            {"$group": {"_id": "$customerId", "count": {"$sum": {"$size": f"${ORDER_ITEMS_KEY}"}}}},
        ]
        cursor = self._collection.aggregate(stages, session=transaction)
        return {
            to_public_id(EntityKind.CUSTOMER, row["_id"]): int(row["count"]) async for row in cursor
        }

    async def first_and_last(
        self, customer_id: str, transaction: AsyncIOMotorClientSession
    ) -> tuple[Order, Order] | None:
        """The customer's first and last counted order; None if there are none.

        Of several orders at the latest instant, the one that was written last.
        """
        query: dict[str, Any] = {
            "customerId": to_object_id(EntityKind.CUSTOMER, customer_id),
            "current": True,
            "status": {"$in": list(COUNTED_ORDER_STATUSES)},
        }
        # With another index MongoDB would scan the orders of all customers.
        find_options: dict[str, Any] = {"hint": _CUSTOMER_INDEX_HINT, "session": transaction}
        first = await self._collection.find_one(query, sort=[("at", 1)], **find_options)
        latest = await self._collection.find_one(query, sort=[("at", -1)], **find_options)
        if first is None or latest is None:
            return None
        last_revision_first = [("sinceVersion", -1), ("_id", -1)]
        at_latest = {**query, "at": latest["at"]}
        last = await self._collection.find_one(at_latest, sort=last_revision_first, **find_options)
        return _order(first), _order(last or latest)

    async def page_of_superseded(
        self, after: tuple[int, str] | None, limit: int
    ) -> dict[tuple[int, str], int]:
        """A page of superseded revisions after the key `after`, each with its partition.

        Reads with majority read concern: no election makes one of them current again.
        """
        query: dict[str, Any] = {"untilVersion": {"$exists": True}}
        if after is not None:
            until_version, row_id = after[0], ObjectId(after[1])
            query["$or"] = [
                {"untilVersion": {"$gt": until_version}},
                {"untilVersion": until_version, "_id": {"$gt": row_id}},
            ]
        stages: list[dict[str, Any]] = [
            {"$match": query},
            {"$sort": {"untilVersion": 1, "_id": 1}},
            {"$limit": limit},
            {"$project": {"untilVersion": 1, "partition": partition_of("$customerId")}},
        ]
        rows = self._majority.aggregate(stages, batchSize=limit + 1)
        return {(row["untilVersion"], str(row["_id"])): row["partition"] async for row in rows}

    async def delete_superseded(self, revisions: Iterable[tuple[int, str]]) -> None:
        """Deletes superseded revisions by the keys that `page_of_superseded` returned."""
        ids = [ObjectId(row_id) for _, row_id in revisions]
        await self._collection.delete_many({"_id": {"$in": ids}, "untilVersion": {"$exists": True}})

    async def get(self, id_: str) -> Order | None:
        """Returns the current order; None if it or its customer does not exist."""
        document = await self._collection.find_one(
            {"orderId": to_object_id(EntityKind.ORDER, id_), "current": True}
        )
        if document is None or not await existing_keys(self._database, [document["customerId"]]):
            return None
        return _order(document)

    async def latest(
        self, customer_id: str, after: tuple[datetime, str] | None, limit: int
    ) -> list[Order]:
        """A customer's current orders, newest first, older than the cursor `after`."""
        query = {
            "customerId": to_object_id(EntityKind.CUSTOMER, customer_id),
            "current": True,
            **older_than(after, EntityKind.ORDER, "orderId"),
        }
        cursor = self._collection.find(query).sort([("at", -1), ("orderId", -1)]).limit(limit)
        return [_order(document) async for document in cursor]


def _document(order: Order, since_version: int) -> dict[str, Any]:
    # An index and filters take the key for a sign that there are items.
    items = [item.to_document() for item in order.items]
    return {
        "_id": ObjectId(),
        "orderId": to_object_id(EntityKind.ORDER, order.id),
        "sourceId": order.source_id,
        "customerId": to_object_id(EntityKind.CUSTOMER, order.customer_id),
        "status": order.status,
        "amount": order.amount,
        "at": order.at,
        "metadata": order.metadata,
        **({ORDER_ITEMS_KEY: items} if items else {}),
        "sinceVersion": since_version,
        "current": True,
    }


def _order(document: Mapping[str, Any]) -> Order:
    return Order(
        id=to_public_id(EntityKind.ORDER, document["orderId"]),
        source_id=document["sourceId"],
        customer_id=to_public_id(EntityKind.CUSTOMER, document["customerId"]),
        status=document["status"],
        amount=document["amount"],
        at=document["at"],
        metadata=document.get("metadata") or {},
        items=tuple(map(OrderItem.from_document, document.get(ORDER_ITEMS_KEY) or ())),
    )
