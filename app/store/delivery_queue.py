"""The queue of due deliveries: claimed under a lease, and recorded after an attempt.

Each distribution has a queue of its own, so that a distribution with many due deliveries does not
hide those of another. Deliveries that somebody retries are in one more queue, which is served even
while their distribution is paused.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pymongo import UpdateOne

from app.domain.deliveries import (
    MAX_ERROR_LENGTH,
    AttemptResult,
    ClaimedDelivery,
    DeliveryStatus,
    Outcome,
)
from app.domain.engine_status import BoundedCount, DeliveryStatusSummary
from app.domain.ids import EntityKind
from app.store.collections import Database
from app.store.deliveries import CLAIM_FIELDS, QUEUE_FIELDS, WAITING_INDEX
from app.store.delivery_documents import as_claimed_delivery
from app.store.delivery_retention import FORGET_CUSTOMER
from app.store.heartbeats import Heartbeats
from app.store.ids import to_object_id, to_object_ids, to_public_id
from app.store.leases import IS_EXPIRED, lease_fields

QUEUE_INDEX = "queue_1_nextAttemptAt_1"
# The claims of a worker end this long after its heartbeat. An election, during which all heartbeats
# expire, is shorter, so that no worker sends what another is sending.
CLAIM_GRACE_SECONDS = 10.0
_MAX_COUNTED = 10_000
MAX_FAILING_HOSTS_SHOWN = 10


@dataclass(frozen=True, slots=True)
class AttemptRecord:
    """The attempt to record. `retry_at` is None if no further attempt follows."""

    delivery_id: str
    distribution_id: str
    result: AttemptResult
    first_attempt_at: datetime
    attempted_at: datetime
    retry_at: datetime | None

    @property
    def has_failed(self) -> bool:
        """Whether the delivery has failed, so that no further attempt follows."""
        return self.result.outcome is not Outcome.DELIVERED and self.retry_at is None


class DeliveryQueue:
    """The part of the deliveries collection that is not finished."""

    def __init__(self, database: Database, heartbeats: Heartbeats) -> None:
        self._collection = database.deliveries
        self._customers = database.customers
        self._heartbeats = heartbeats

    async def due_queues(self, now: datetime) -> list[str | None]:
        """The queues with due deliveries: ids of distributions, and None for the retried ones."""
        stages: list[dict[str, Any]] = [
            {"$sort": {"queue": 1, "nextAttemptAt": 1}},
            {"$group": {"_id": "$queue", "at": {"$first": "$nextAttemptAt"}}},
        ]
        # With the partial index as a hint, MongoDB reads one key of each queue.
        cursor = self._collection.aggregate(stages, hint=QUEUE_INDEX)
        return [
            row["_id"] and to_public_id(EntityKind.DISTRIBUTION, row["_id"])
            async for row in cursor
            if row["at"] <= now
        ]

    async def claim(
        self,
        queue: str | None,
        excluded_endpoints: Iterable[tuple[str, str]],
        limit: int,
        owner: str,
        worker_id: str,
        seconds: float,
        now: datetime,
    ) -> list[ClaimedDelivery]:
        """Claims at most `limit` due deliveries of a queue for `seconds`, earliest first, without
        those of the excluded endpoints: each is a host and the id of a distribution.

        `owner` must be new for each call. `worker_id` is that of a heartbeat: when it has ended,
        others may claim the same deliveries before the `seconds` are over.
        """
        live_ids = await self._heartbeats.live_ids(CLAIM_GRACE_SECONDS)
        query: dict[str, Any] = {
            "queue": queue and to_object_id(EntityKind.DISTRIBUTION, queue),
            "nextAttemptAt": {"$lte": now},
            "$or": [IS_EXPIRED, {"worker": {"$nin": [worker_id, *live_ids]}}],
        }
        excluded = [
            {"host": host, "distributionId": to_object_id(EntityKind.DISTRIBUTION, id_)}
            for host, id_ in excluded_endpoints
        ]
        if excluded:
            query["$nor"] = excluded
        cursor = self._collection.find(query, {"_id": 1}).hint(QUEUE_INDEX)
        candidates = await cursor.sort("nextAttemptAt", 1).limit(limit).to_list(None)
        if not candidates:
            return []
        ids = {"_id": {"$in": [row["_id"] for row in candidates]}}
        claim = [{"$set": {**lease_fields(owner, seconds), "worker": worker_id}}]
        await self._collection.update_many({**ids, **query}, claim)
        rows = await self._collection.find({**ids, "owner": owner}).to_list(None)
        return [as_claimed_delivery(row) for row in rows]

    async def release(self, claims: Iterable[tuple[str, str]]) -> None:
        """Ends claims, each an owner and the id of a delivery, so that they are due again."""
        owners, ids = zip(*claims, strict=True)
        query = {
            "_id": {"$in": to_object_ids(EntityKind.DELIVERY, ids)},
            "owner": {"$in": sorted(set(owners))},
        }
        await self._collection.update_many(query, {"$unset": CLAIM_FIELDS})

    async def record(self, records: Iterable[tuple[str, AttemptRecord]]) -> None:
        """Records attempts, each with the owner of its claim. An attempt whose delivery another
        owner has claimed since, or that was canceled, changes nothing."""
        records = list(records)
        if failed_ids := [record.delivery_id for _, record in records if record.has_failed]:
            await self._mark_deleted_customers(failed_ids)
        writes = [write for owner, record in records for write in _writes(owner, record)]
        if writes:
            await self._collection.bulk_write(writes, ordered=False)

    async def _mark_deleted_customers(self, delivery_ids: Iterable[str]) -> None:
        """Marks the deliveries whose customer has been deleted. The sweeper does not see one that
        is inserted after it has swept, from a snapshot before the deletion."""
        ids = {"_id": {"$in": to_object_ids(EntityKind.DELIVERY, delivery_ids)}}
        keys = await self._collection.distinct("customerId", ids)
        existing_keys = await self._customers.distinct("_id", {"_id": {"$in": keys}})
        if deleted_keys := [*{*keys} - {*existing_keys}]:
            await self._collection.update_many(
                {**ids, "customerId": {"$in": deleted_keys}}, {"$set": {"customerDeleted": True}}
            )

    async def read_status(
        self, paused_distribution_ids: Sequence[str], now: datetime
    ) -> DeliveryStatusSummary:
        """Reads the state of the queue. The deliveries of paused distributions are not due."""
        paused_keys = to_object_ids(EntityKind.DISTRIBUTION, paused_distribution_ids)
        due = {"nextAttemptAt": {"$lte": now}, "queue": {"$nin": paused_keys}}
        due_count = await self._collection.count_documents(due, limit=_MAX_COUNTED)
        oldest = await self._collection.find_one(
            due, {"nextAttemptAt": 1}, sort=[("nextAttemptAt", 1)]
        )
        waiting_count = await self._collection.count_documents(
            {"waiting": {"$exists": True}}, limit=_MAX_COUNTED, hint=WAITING_INDEX
        )
        stages: list[dict[str, Any]] = [
            {"$match": {"status": DeliveryStatus.RETRYING.value}},
            {"$limit": _MAX_COUNTED},
            {"$group": {"_id": "$host", "count": {"$sum": 1}}},
            {"$sort": {"count": -1, "_id": 1}},
            {"$limit": MAX_FAILING_HOSTS_SHOWN},
        ]
        return DeliveryStatusSummary(
            BoundedCount(due_count, due_count < _MAX_COUNTED),
            timedelta(0) if oldest is None else now - oldest["nextAttemptAt"],
            {row["_id"]: row["count"] async for row in self._collection.aggregate(stages)},
            len(paused_distribution_ids),
            BoundedCount(waiting_count, waiting_count < _MAX_COUNTED),
        )


def _writes(owner: str, record: AttemptRecord) -> Iterator[UpdateOne]:
    """The writes that record the attempt; one of them applies."""
    claimed = {"_id": to_object_id(EntityKind.DELIVERY, record.delivery_id), "owner": owner}
    update = _update(record)
    if not record.has_failed:
        yield UpdateOne(claimed, update)
        return
    # A failed delivery keeps its content, but not if its customer was deleted.
    yield UpdateOne({**claimed, "customerDeleted": {"$exists": False}}, update)
    yield UpdateOne(
        {**claimed, "customerDeleted": True},
        {
            "$inc": update["$inc"],
            "$set": {**update["$set"], **FORGET_CUSTOMER["$set"]},
            "$unset": {**update["$unset"], **FORGET_CUSTOMER["$unset"]},
        },
    )


def _update(record: AttemptRecord) -> dict[str, Any]:
    result = record.result
    if result.outcome is Outcome.DELIVERED:
        return {
            "$inc": {"attempts": 1},
            "$set": {
                "status": DeliveryStatus.DELIVERED.value,
                "deliveredAt": record.attempted_at,
            },
            # What was sent is not needed any more, and may be personal.
            "$unset": {**QUEUE_FIELDS, "lastError": "", "content": "", "host": ""},
        }
    fields: dict[str, Any] = {
        "lastError": result.message[:MAX_ERROR_LENGTH],
        "firstAttemptAt": record.first_attempt_at,
    }
    if record.retry_at is None:
        fields["status"] = DeliveryStatus.FAILED.value
        return {"$inc": {"attempts": 1}, "$set": fields, "$unset": QUEUE_FIELDS}
    fields |= {"status": DeliveryStatus.RETRYING.value, "nextAttemptAt": record.retry_at}
    return {
        "$inc": {"attempts": 1},
        "$set": fields,
        "$unset": CLAIM_FIELDS,
    }
