"""Deliveries, the outbox of distributions: inserted by a consumer, read by the API."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from motor.motor_asyncio import AsyncIOMotorClientSession
from pymongo import UpdateOne

from app.domain.deliveries import (
    UNFINISHED_STATUSES,
    Content,
    Delivery,
    DeliveryStatus,
    NewDelivery,
    WaitingContent,
)
from app.domain.ids import EntityKind
from app.store.collections import Database
from app.store.delivery_documents import (
    as_delivery,
    as_waiting_content,
    content_fields,
    new_delivery_document,
)
from app.store.ids import to_object_id, to_object_ids, to_public_id
from app.store.timeline import older_than, read_latest, read_latest_of_customers

# The API does not read what is sent, which may be large.
_SHOWN_FIELDS = {"content": 0, "waiting": 0}
_UNFINISHED = {"$in": [status.value for status in UNFINISHED_STATUSES]}
# The fields that a sender sets while it holds a delivery.
CLAIM_FIELDS = dict.fromkeys(("owner", "worker", "leaseExpiresAt"), "")
# The fields by which the sender finds a delivery.
QUEUE_FIELDS = {"queue": "", "nextAttemptAt": "", **CLAIM_FIELDS}
_DELIVERY_FIELDS = {**QUEUE_FIELDS, "content": "", "waiting": "", "host": ""}


class Deliveries:
    """The deliveries collection."""

    def __init__(self, database: Database) -> None:
        self._collection = database.deliveries

    # --- made by the consumer and by backfills

    async def existing_ids(
        self, ids: Iterable[str], transaction: AsyncIOMotorClientSession
    ) -> set[str]:
        """Returns those of the ids that have a delivery."""
        query = {"_id": {"$in": to_object_ids(EntityKind.DELIVERY, ids)}}
        cursor = self._collection.find(query, {"_id": 1}, session=transaction)
        return {to_public_id(EntityKind.DELIVERY, row["_id"]) async for row in cursor}

    async def count_by_customer(
        self,
        distribution_ids: Iterable[str],
        customer_ids: Iterable[str],
        transaction: AsyncIOMotorClientSession,
    ) -> dict[tuple[str, str], int]:
        """By distribution and customer, the number of deliveries."""
        stages: list[dict[str, Any]] = [
            {
                "$match": {
                    "customerId": {"$in": to_object_ids(EntityKind.CUSTOMER, customer_ids)},
                    "distributionId": {
                        "$in": to_object_ids(EntityKind.DISTRIBUTION, distribution_ids)
                    },
                }
            },
            {
                "$group": {
                    "_id": {"distribution": "$distributionId", "customer": "$customerId"},
                    "count": {"$sum": 1},
                }
            },
        ]
        return {
            (
                to_public_id(EntityKind.DISTRIBUTION, row["_id"]["distribution"]),
                to_public_id(EntityKind.CUSTOMER, row["_id"]["customer"]),
            ): row["count"]
            async for row in self._collection.aggregate(stages, session=transaction)
        }

    async def insert(
        self,
        new_deliveries: Sequence[NewDelivery],
        transaction: AsyncIOMotorClientSession | None = None,
    ) -> None:
        if new_deliveries:
            rows = [new_delivery_document(new_delivery) for new_delivery in new_deliveries]
            await self._collection.insert_many(rows, ordered=False, session=transaction)

    # --- that wait for a code

    async def waiting_for_code(
        self, distribution_id: str, limit: int, transaction: AsyncIOMotorClientSession
    ) -> dict[str, WaitingContent]:
        """Returns, by id, at most `limit` deliveries that wait for a code, oldest first."""
        query = {
            "distributionId": to_object_id(EntityKind.DISTRIBUTION, distribution_id),
            "waiting": {"$exists": True},
        }
        cursor = self._collection.find(query, {"waiting": 1}, session=transaction)
        return {
            to_public_id(EntityKind.DELIVERY, row["_id"]): as_waiting_content(row)
            async for row in cursor.sort("at", 1).limit(limit)
        }

    async def distributions_waiting_for_codes(self) -> list[str]:
        """The ids of the distributions with deliveries that wait for a code."""
        stages: list[dict[str, Any]] = [
            {"$sort": {"distributionId": 1, "at": 1}},
            {"$group": {"_id": "$distributionId", "at": {"$first": "$at"}}},
        ]
        # With the sparse index as a hint, MongoDB reads one key of each distribution.
        cursor = self._collection.aggregate(stages, hint=WAITING_INDEX)
        return [to_public_id(EntityKind.DISTRIBUTION, row["_id"]) async for row in cursor]

    async def set_codes(
        self,
        codes: Mapping[str, tuple[str, Content]],
        now: datetime,
        transaction: AsyncIOMotorClientSession,
    ) -> None:
        """Gives deliveries that waited their code and content, by id. They are due at once."""
        writes = [
            UpdateOne(
                {"_id": to_object_id(EntityKind.DELIVERY, id_)},
                [
                    {
                        "$set": {
                            "code": {"$literal": code},
                            "nextAttemptAt": now,
                            "queue": "$distributionId",
                            **{
                                name: {"$literal": value}
                                for name, value in content_fields(content).items()
                            },
                        }
                    },
                    {"$unset": "waiting"},
                ],
            )
            for id_, (code, content) in codes.items()
        ]
        if writes:
            await self._collection.bulk_write(writes, ordered=False, session=transaction)

    # --- canceled and retried

    async def cancel(self, distribution_id: str, reason: str, limit: int) -> int:
        """Skips at most `limit` unfinished deliveries of the distribution; returns how many."""
        query = {
            "distributionId": to_object_id(EntityKind.DISTRIBUTION, distribution_id),
            "status": _UNFINISHED,
        }
        rows = await self._collection.find(query, {"_id": 1}).limit(limit).to_list(None)
        update = {
            "$set": {"status": DeliveryStatus.SKIPPED.value, "lastError": reason},
            "$unset": _DELIVERY_FIELDS,
        }
        ids = [row["_id"] for row in rows]
        if ids:
            await self._collection.update_many({"_id": {"$in": ids}, **query}, update)
        return len(ids)

    async def failed_ids(self, distribution_id: str, limit: int) -> list[str]:
        """The ids of at most `limit` failed deliveries of the distribution that can be sent again,
        oldest first."""
        query = {
            "distributionId": to_object_id(EntityKind.DISTRIBUTION, distribution_id),
            "status": DeliveryStatus.FAILED.value,
            "content": {"$exists": True},
        }
        cursor = self._collection.find(query, {"_id": 1}).sort([("at", 1), ("_id", 1)])
        return [to_public_id(EntityKind.DELIVERY, row["_id"]) async for row in cursor.limit(limit)]

    async def retry(
        self, ids: Iterable[str], statuses: Iterable[DeliveryStatus], now: datetime
    ) -> int:
        """Makes those of the deliveries that have one of these statuses due now, with all attempts
        left; returns how many. They are sent even if their distribution is paused."""
        query = {
            "_id": {"$in": to_object_ids(EntityKind.DELIVERY, ids)},
            "status": {"$in": [status.value for status in statuses]},
            "content": {"$exists": True},
        }
        update = {
            "$set": {
                "status": DeliveryStatus.PENDING.value,
                "attempts": 0,
                "nextAttemptAt": now,
                "queue": None,
            },
            "$unset": {"firstAttemptAt": "", **CLAIM_FIELDS},
        }
        return int((await self._collection.update_many(query, update)).modified_count)

    # --- read by the API

    async def get(self, id_: str) -> Delivery | None:
        query = {"_id": to_object_id(EntityKind.DELIVERY, id_)}
        row = await self._collection.find_one(query, _SHOWN_FIELDS)
        return None if row is None else as_delivery(row)

    async def pages(
        self,
        distribution_ids: Iterable[str],
        statuses: Iterable[DeliveryStatus],
        after: tuple[datetime, str] | None,
        limit: int,
    ) -> dict[str, list[Delivery]]:
        """By distribution, at most `limit` deliveries with one of the statuses, newest first, older
        than the cursor."""
        query = {
            "status": {"$in": [status.value for status in statuses]},
            **older_than(after, EntityKind.DELIVERY),
        }
        rows = await read_latest(
            self._collection,
            "distributionId",
            EntityKind.DISTRIBUTION,
            distribution_ids,
            limit,
            query,
            projection=_SHOWN_FIELDS,
        )
        return {id_: list(map(as_delivery, documents)) for id_, documents in rows.items()}

    async def find_by_code(self, code: str, limit: int) -> list[Delivery]:
        """Returns at most `limit` deliveries with the code, newest first."""
        cursor = self._collection.find({"code": code}, _SHOWN_FIELDS).sort("at", -1).limit(limit)
        return [as_delivery(row) async for row in cursor]

    async def count_by_status(
        self, distribution_ids: Iterable[str], session: AsyncIOMotorClientSession
    ) -> dict[str, dict[DeliveryStatus, int]]:
        """By distribution, the number of deliveries with each status, at the instant of the
        session. An index answers this."""
        keys = to_object_ids(EntityKind.DISTRIBUTION, distribution_ids)
        stages: list[dict[str, Any]] = [
            {"$match": {"distributionId": {"$in": keys}}},
            {
                "$group": {
                    "_id": {"distribution": "$distributionId", "status": "$status"},
                    "count": {"$sum": 1},
                }
            },
        ]
        counts: dict[str, dict[DeliveryStatus, int]] = {}
        async for row in self._collection.aggregate(stages, hint=STATUS_INDEX, session=session):
            distribution_id = to_public_id(EntityKind.DISTRIBUTION, row["_id"]["distribution"])
            status = DeliveryStatus(row["_id"]["status"])
            counts.setdefault(distribution_id, {})[status] = row["count"]
        return counts

    async def latest(
        self, customer_ids: Iterable[str], after: tuple[datetime, str] | None, limit: int
    ) -> dict[str, list[Delivery]]:
        """By customer, at most `limit` deliveries without tests, newest first, older than the
        cursor `after`."""
        query = {"distributionId": {"$exists": True}, **older_than(after, EntityKind.DELIVERY)}
        rows = await read_latest_of_customers(
            self._collection, customer_ids, limit, query, projection=_SHOWN_FIELDS
        )
        return {id_: list(map(as_delivery, documents)) for id_, documents in rows.items()}


STATUS_INDEX = "distributionId_1_status_1_at_-1__id_-1"
WAITING_INDEX = "distributionId_1_at_1"
