"""Whose turn it is to be counted, and who counts.

A row of the schedule says when its segment is due, and how often it was taken since it was last
counted: who is slow, or takes its worker down, is left alone for longer and longer. One worker
counts at a time; its lease goes on while it rests.
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

_MIN_RETRY_DELAY, _MAX_RETRY_DELAY = timedelta(minutes=5), timedelta(days=1)
_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class DueSegment:
    """A segment to be counted now; where that fails, it is due again."""

    segment_id: str
    retry_at: datetime


class SizeSchedule:
    """The sizeSchedule collection, and the lease on it."""

    def __init__(self, database: Database, leases: Leases) -> None:
        self._collection = database.sizeSchedule
        self._segments = database.segments
        self._leases = leases

    async def acquire_lease(self, owner: str, seconds: float) -> bool:
        """Whether the owner may count, for so long at most: nobody else counts, or rests."""
        return await self._leases.acquire(SIZE_COUNT_LEASE, owner, seconds)

    async def renew_lease(self, owner: str, seconds: float) -> None:
        """Lets nobody else count for so long, if the lease is still the owner's."""
        await self._leases.renew(SIZE_COUNT_LEASE, owner, seconds)

    async def add_missing(self, now: datetime, next_slot: datetime) -> None:
        """Gives every segment a row; nobody waits beyond the next slot for being counted once."""
        initial_rows = {"$project": {"dueAt": {"$literal": now}, "tries": {"$literal": 0}}}
        insert_missing = {"$merge": {"into": self._collection.name, "whenMatched": "keepExisting"}}
        async for _ in self._segments.aggregate([initial_rows, insert_missing]):
            pass
        # The interval was longer before, or a worker's clock went wrong.
        query = {"dueAt": {"$gt": next_slot}, "tries": 0}
        await self._collection.update_many(query, {"$set": {"dueAt": next_slot}})

    async def claim_next(self, now: datetime) -> DueSegment | None:
        """The segment that has been due for longest. As if it failed, until `done` says better."""
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
