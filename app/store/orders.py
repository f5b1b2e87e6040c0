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

from app.domain.ids import Kind
from app.domain.orders import Order, Summary
from app.filters.sources import COUNTED_STATUSES
from app.store.collections import Database
from app.store.ids import key, public
from app.store.timeline import before


class Orders:
    """The orders collection."""

    def __init__(self, database: Database) -> None:
        self._collection = database.orders

    async def current(
        self, source_ids: Sequence[str], transaction: AsyncIOMotorClientSession
    ) -> dict[str, Order]:
        """The orders as they stand, by their source's own key."""
        query = {"sourceId": {"$in": list(source_ids)}, "current": True}
        found = self._collection.find(query, session=transaction)
        # All in one answer; one more, so that it is known to be the last.
        documents = await found.batch_size(len(source_ids) + 1).to_list(None)
        return {document["sourceId"]: _order(document) for document in documents}

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

    async def get(self, id_: str) -> Order | None:
        found = await self._collection.find_one({"orderId": key(Kind.ORDER, id_), "current": True})
        return None if found is None else _order(found)

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
