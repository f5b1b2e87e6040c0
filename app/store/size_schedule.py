"""The schedule for counting segments, and the lease of the worker that counts.

A row says when its segment is due, and how many attempts followed its last successful count. A
segment that is slow to count, or that crashes its worker, is retried with exponential back-off. One
worker counts at a time and keeps its lease while it pauses.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from motor.motor_asyncio import AsyncIOMotorClientSession
from pymongo import ReturnDocument

from app.domain.ids import EntityKind
from app.store.collections import Database
from app.store.ids import to_object_id, to_public_id
from app.store.leases import SIZE_COUNT_LEASE, Leases

_MIN_RETRY_DELAY = timedelta(minutes=5)
_MAX_RETRY_DELAY = timedelta(days=1)
_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class DueSegment:
    """A segment to count now. If that fails, it is due again at `retry_at`."""

    segment_id: str
    retry_at: datetime


class SizeSchedule:
    """The sizeSchedule collection, and the lease on it."""

    def __init__(self, database: Database, leases: Leases) -> None:
        self._collection = database.sizeSchedule
        self._segments = database.segments
        self._leases = leases

    async def acquire_lease(self, owner: str, seconds: float) -> bool:
        """Acquires or renews the lease for `seconds`. Returns False if another worker has it."""
        return await self._leases.acquire(SIZE_COUNT_LEASE, owner, seconds)

    async def renew_lease(self, owner: str, seconds: float) -> None:
        """Sets the lease to expire `seconds` from now, if the owner still holds it."""
        await self._leases.renew(SIZE_COUNT_LEASE, owner, seconds)

    async def add_missing(self, now: datetime, next_slot: datetime) -> None:
        """Adds a row for each segment without one, and moves rows due after the next slot to it."""
        initial_rows = {"$project": {"dueAt": {"$literal": now}, "tries": {"$literal": 0}}}
        insert_missing = {"$merge": {"into": self._collection.name, "whenMatched": "keepExisting"}}
        async for _ in self._segments.aggregate([initial_rows, insert_missing]):
            pass
        # The interval was longer before, or a worker's clock was wrong.
        query = {"dueAt": {"$gt": next_slot}, "tries": 0}
        await self._collection.update_many(query, {"$set": {"dueAt": next_slot}})

    async def claim_next(self, now: datetime) -> DueSegment | None:
        """Claims the segment that has been due longest, and schedules its retry.

        `complete` replaces the retry when the count succeeds.
        """
        retry_delay: dict[str, Any] = {
            "$min": [
                {"$multiply": [_MIN_RETRY_DELAY // _MILLISECOND, {"$pow": [2, "$tries"]}]},
                _MAX_RETRY_DELAY // _MILLISECOND,
            ]
        }
        row = await self._collection.find_one_and_update(
            {"dueAt": {"$lte": now}},
            [{"$set": {"dueAt": {"$add": [now, retry_delay]}, "tries": {"$add": ["$tries", 1]}}}],
            sort=[("dueAt", 1)],
            return_document=ReturnDocument.AFTER,
        )
        return (
            None
            if row is None
            else DueSegment(to_public_id(EntityKind.SEGMENT, row["_id"]), row["dueAt"])
        )

    async def complete(
        self, segment_id: str, due_at: datetime, transaction: AsyncIOMotorClientSession
    ) -> None:
        query = {"_id": to_object_id(EntityKind.SEGMENT, segment_id)}
        update = {"$set": {"dueAt": due_at, "tries": 0}}
        await self._collection.update_one(query, update, session=transaction)

    async def delete_segment(self, segment_id: str, transaction: AsyncIOMotorClientSession) -> None:
        query = {"_id": to_object_id(EntityKind.SEGMENT, segment_id)}
        await self._collection.delete_one(query, session=transaction)
