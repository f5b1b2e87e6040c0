"""Customers who were deleted: what they leave behind until the engine has told that they left.

The engine may hear of a customer's last states only after the deletion, and must still find the
events, orders and lists that these include.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from motor.motor_asyncio import AsyncIOMotorClientSession
from pymongo import UpdateOne

from app.domain.customers import Customer
from app.domain.ids import Kind
from app.store.collections import Database
from app.store.ids import key, keys, public


class Departures:
    """The departures collection, and the rows that its customers have left."""

    def __init__(self, database: Database) -> None:
        self._collection = database.departures
        self._events = database.events
        self._orders = database.orders
        self._members = database.members
        self._ledger = database.ledger
        self._accounts = database.accounts

    async def leave(self, customer: Customer, transaction: AsyncIOMotorClientSession) -> None:
        """Ends all that the customer has; the keys of events and orders are free from now on."""
        key_ = key(Kind.CUSTOMER, customer.id)
        mine = {"customerId": key_}
        until = {"until": int(customer.document["version"]) + 1}
        await self._events.update_many(
            {**mine, "until": None},
            {"$set": until, "$unset": {"idempotencyKey": ""}},
            session=transaction,
        )
        await self._orders.update_many(
            {**mine, "current": True},
            {"$set": until, "$unset": {"current": ""}},
            session=transaction,
        )
        lists = [row["segmentId"] async for row in self._members.find(mine, session=transaction)]
        await self._members.delete_many(mine, session=transaction)
        await self._collection.insert_one({"_id": key_, "lists": lists}, session=transaction)

    async def told(self, ids: Iterable[str], transaction: AsyncIOMotorClientSession) -> None:
        """Nobody needs any more what these have left, also where they were deleted past the
        program."""
        told = {"$set": {"told": True}, "$setOnInsert": {"lists": []}}
        writes = [UpdateOne({"_id": key_}, told, upsert=True) for key_ in keys(Kind.CUSTOMER, ids)]
        if writes:
            await self._collection.bulk_write(writes, ordered=False, session=transaction)

    async def sweep(self, most: int) -> int:
        """Removes what at most so many have left of whom it has been told; says how many."""
        found = self._collection.find({"told": True}, {"_id": 1}).limit(most)
        swept = [row["_id"] for row in await found.to_list(None)]
        for rows in (self._events, self._orders, self._members, self._ledger):
            await rows.delete_many({"customerId": {"$in": swept}})
        await self._accounts.delete_many({"_id": {"$in": swept}})
        await self._collection.delete_many({"_id": {"$in": swept}})
        return len(swept)

    async def lists(self, customer_ids: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
        """Where those of the customers stood who are deleted, as rows of the lists."""
        query = {"_id": {"$in": keys(Kind.CUSTOMER, customer_ids)}}
        return {
            public(Kind.CUSTOMER, row["_id"]): [{"segmentId": list_} for list_ in row["lists"]]
            async for row in self._collection.find(query)
        }
