"""Retention of deliveries: what they hold of customers, and the finished ones.

What a delivery sends is a customer's profile. It is deleted once the receiver has accepted it.
Here it is deleted for deliveries that have failed, and for those of deleted customers.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from bson import ObjectId

from app.domain.deliveries import UNFINISHED_STATUSES, DeliveryStatus
from app.domain.ids import EntityKind
from app.store.collections import Database
from app.store.ids import to_object_id

CUSTOMER_DELETED_ERROR = "The receiver did not accept it, and the customer has been deleted."

_UNFINISHED = [status.value for status in UNFINISHED_STATUSES]
_FINISHED = [status.value for status in DeliveryStatus if status not in UNFINISHED_STATUSES]
_FAILED = DeliveryStatus.FAILED.value

# An answer of a receiver may repeat what was sent.
FORGET_CUSTOMER: Mapping[str, Any] = {
    "$set": {"customerDeleted": True, "lastError": CUSTOMER_DELETED_ERROR},
    "$unset": {"content": "", "host": ""},
}


class DeliveryRetention:
    """The part of the deliveries collection that is not needed any more."""

    def __init__(self, database: Database) -> None:
        self._collection = database.deliveries

    async def forget_customers(self, customer_keys: Iterable[ObjectId], limit: int) -> int:
        """Deletes what at most `limit` deliveries of these deleted customers hold of them. Returns
        the number of deliveries, 0 if there are none left.

        Unfinished deliveries are sent first. They are marked, so that nothing is left if they fail.
        """
        query = {
            "customerId": {"$in": list(customer_keys)},
            "status": {"$in": [*_UNFINISHED, _FAILED]},
            "customerDeleted": {"$exists": False},
        }
        keys = await self._find_keys(query, limit)
        if keys:
            page = {"_id": {"$in": keys}}
            await self._collection.update_many({**page, "status": _FAILED}, FORGET_CUSTOMER)
            await self._collection.update_many(
                {**page, "status": {"$in": _UNFINISHED}}, {"$set": {"customerDeleted": True}}
            )
        return len(keys)

    async def delete_failed_content(self, before: datetime, limit: int) -> int:
        """Deletes the content of at most `limit` failed deliveries that were made before the
        instant. Returns their number."""
        has_content = {"status": _FAILED, "content": {"$exists": True}}
        keys = await self._find_keys({**has_content, "at": {"$lt": before}}, limit)
        if keys:
            await self._collection.update_many(
                {"_id": {"$in": keys}, **has_content}, {"$unset": {"content": "", "host": ""}}
            )
        return len(keys)

    async def delete_finished(
        self, distribution_id: str | None, before: datetime, limit: int
    ) -> int:
        """Deletes at most `limit` finished deliveries of a distribution, or tests if it is None,
        that were made before the instant. Returns their number."""
        query = {
            "distributionId": distribution_id
            and to_object_id(EntityKind.DISTRIBUTION, distribution_id),
            "status": {"$in": _FINISHED},
            "at": {"$lt": before},
        }
        keys = await self._find_keys(query, limit)
        if keys:
            # One that somebody retries meanwhile stays.
            await self._collection.delete_many({"_id": {"$in": keys}, **query})
        return len(keys)

    async def _find_keys(self, query: Mapping[str, Any], limit: int) -> list[ObjectId]:
        cursor = self._collection.find(query, {"_id": 1}).limit(limit).batch_size(limit + 1)
        return [row["_id"] async for row in cursor]
