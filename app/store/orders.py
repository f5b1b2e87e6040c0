"""Orders: append-only revisions, of which one is current.

A revision is stamped with the version of its customer that brought it (`since`) and, once it is
superseded, with the one that ended it (`until`), so that a state of the customer names exactly
the orders that it includes.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from bson import ObjectId
from motor.motor_asyncio import AsyncIOMotorClientSession
from pymongo import InsertOne, UpdateOne
from pymongo.read_concern import ReadConcern

from app.domain.ids import Kind
from app.domain.orders import Order, Summary
from app.filters.sources import COUNTED_STATUSES
from app.store.collections import ORDERS_OF_CUSTOMER, Database
from app.store.customers import existing
from app.store.ids import key, public
from app.store.stream import partition_of
from app.store.timeline import before

_BY_CUSTOMER = list(ORDERS_OF_CUSTOMER.document["key"].items())


class Orders:
    """The orders collection."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._collection = database.orders
        self._majority = database.get_collection("orders", read_concern=ReadConcern("majority"))

    async def current(
        self, source_ids: Sequence[str], transaction: AsyncIOMotorClientSession
    ) -> dict[str, Order]:
        """The orders as they stand, by their source's own key.

        The key of a deleted customer's order is free: this takes it from the order, which the
        sweeper has not removed yet.
        """
        query = {"sourceId": {"$in": list(source_ids)}, "current": True}
        found = self._collection.find(query, session=transaction)
        # All in one answer; one more, so that it is known to be the last.
        rows = await found.batch_size(len(source_ids) + 1).to_list(None)
        if not rows:
            return {}
        owners = await existing(self._database, (row["customerId"] for row in rows), transaction)
        if freed := [row["_id"] for row in rows if row["customerId"] not in owners]:
            await self._collection.update_many(
                {"_id": {"$in": freed}}, {"$unset": {"current": ""}}, session=transaction
            )
        return {row["sourceId"]: _order(row) for row in rows if row["customerId"] in owners}

    async def revise(
        self,
        ended: Iterable[tuple[Order, int]],
        brought: Iterable[tuple[Order, int]],
        transaction: AsyncIOMotorClientSession,
    ) -> None:
        """Ends revisions at a version of their customer, and adds those that another brought."""
        writes: list[UpdateOne | InsertOne[dict[str, Any]]] = [
            UpdateOne(
                {"orderId": key(Kind.ORDER, order.id), "current": True},
                {"$set": {"until": until}, "$unset": {"current": ""}},
            )
            for order, until in ended
        ]
        writes += [InsertOne(_document(order, since)) for order, since in brought]
        if writes:
            # In order: a revision must have ended before the next one takes its key.
            await self._collection.bulk_write(writes, ordered=True, session=transaction)

    async def summaries(
        self, customer_ids: Sequence[str], transaction: AsyncIOMotorClientSession
    ) -> dict[str, Summary]:
        """What the counting orders of these customers come to, taken afresh."""
        stages: list[dict[str, Any]] = [
            {
                "$match": {
                    "customerId": {"$in": [key(Kind.CUSTOMER, id_) for id_ in customer_ids]},
                    "current": True,
                    "status": {"$in": list(COUNTED_STATUSES)},
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
                            "sortBy": {"at": -1, "since": -1, "_id": -1},
                            "output": ["$at", "$amount"],
                        }
                    },
                }
            },
        ]
        found = self._collection.aggregate(stages, session=transaction)
        return {
            public(Kind.CUSTOMER, row["_id"]): Summary(
                row["count"], int(row["amount"]), row["last"][1], row["first"], row["last"][0]
            )
            async for row in found
        }

    async def edges(
        self, customer_id: str, transaction: AsyncIOMotorClientSession
    ) -> tuple[Order, Order] | None:
        """The first and the last of a customer's counting orders; of several at the latest moment
        the one told last. None where there are none."""
        counting: dict[str, Any] = {
            "customerId": key(Kind.CUSTOMER, customer_id),
            "current": True,
            "status": {"$in": list(COUNTED_STATUSES)},
        }
        # Another index would go through the orders of all customers.
        in_order: dict[str, Any] = {"hint": _BY_CUSTOMER, "session": transaction}
        first = await self._collection.find_one(counting, sort=[("at", 1)], **in_order)
        latest = await self._collection.find_one(counting, sort=[("at", -1)], **in_order)
        if first is None or latest is None:
            return None
        told_last = [("since", -1), ("_id", -1)]
        at_latest = {**counting, "at": latest["at"]}
        last = await self._collection.find_one(at_latest, sort=told_last, **in_order)
        return _order(first), _order(last or latest)

    async def superseded(
        self, after: tuple[int, str] | None, most: int
    ) -> dict[tuple[int, str], int]:
        """The partitions of at most so many superseded revisions, by key, after one of them.

        Read with majority: none of them is current again after an election.
        """
        query: dict[str, Any] = {"until": {"$exists": True}}
        if after is not None:
            until, row = after[0], ObjectId(after[1])
            query["$or"] = [{"until": {"$gt": until}}, {"until": until, "_id": {"$gt": row}}]
        stages: list[dict[str, Any]] = [
            {"$match": query},
            {"$sort": {"until": 1, "_id": 1}},
            {"$limit": most},
            {"$project": {"until": 1, "partition": partition_of("$customerId")}},
        ]
        rows = self._majority.aggregate(stages, batchSize=most + 1)
        return {(row["until"], str(row["_id"])): row["partition"] async for row in rows}

    async def delete(self, revisions: Iterable[tuple[int, str]]) -> None:
        """Removes superseded revisions that `superseded` has found."""
        ids = [ObjectId(row) for _, row in revisions]
        await self._collection.delete_many({"_id": {"$in": ids}, "until": {"$exists": True}})

    async def get(self, id_: str) -> Order | None:
        """The order; None where there is none, or its customer is deleted."""
        found = await self._collection.find_one({"orderId": key(Kind.ORDER, id_), "current": True})
        if found is None or not await existing(self._database, [found["customerId"]]):
            return None
        return _order(found)

    async def latest(
        self, customer_id: str, after: tuple[datetime, str] | None, most: int
    ) -> list[Order]:
        """A customer's orders, the latest first, from before a place."""
        query = {
            "customerId": key(Kind.CUSTOMER, customer_id),
            "current": True,
            **before(after, Kind.ORDER, "orderId"),
        }
        found = self._collection.find(query).sort([("at", -1), ("orderId", -1)]).limit(most)
        return [_order(document) async for document in found]


def _document(order: Order, since: int) -> dict[str, Any]:
    return {
        "_id": ObjectId(),
        "orderId": key(Kind.ORDER, order.id),
        "sourceId": order.source_id,
        "customerId": key(Kind.CUSTOMER, order.customer_id),
        "status": order.status,
        "amount": order.amount,
        "at": order.at,
        "metadata": order.metadata,
        "since": since,
        "current": True,
    }


def _order(document: Mapping[str, Any]) -> Order:
    return Order(
        id=public(Kind.ORDER, document["orderId"]),
        source_id=document["sourceId"],
        customer_id=public(Kind.CUSTOMER, document["customerId"]),
        status=document["status"],
        amount=document["amount"],
        at=document["at"],
        metadata=document.get("metadata") or {},
    )
