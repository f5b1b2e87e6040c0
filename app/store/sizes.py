"""How many members segments had. Points go of themselves, when MongoDB finds that they expired."""

from datetime import datetime, timedelta
from typing import Any

from bson import ObjectId
from motor.motor_asyncio import AsyncIOMotorClientSession

from app.domain.ids import Kind
from app.domain.sizes import DENSE, KEPT, SegmentSize
from app.store.collections import Database
from app.store.ids import key

# A point is not added to a segment that is being deleted.
FENCE = "sizes"


class Sizes:
    """The segmentSizes collection: one row a point, whose key is the segment and the slot."""

    def __init__(self, database: Database) -> None:
        self._collection = database.segmentSizes

    async def add(
        self,
        segment_id: str,
        slot: datetime,
        size: SegmentSize,
        midnight: datetime,
        transaction: AsyncIOMotorClientSession,
    ) -> None:
        """Adds the one point of a slot, unless it is there. It is the last of its day, which began
        at the midnight: it is kept longest, and those before it go when they no longer matter."""
        row: dict[str, Any] = {"_id": {"segment": key(Kind.SEGMENT, segment_id), "slot": slot}}
        if await self._collection.find_one(row, session=transaction):
            return
        await self._collection.update_many(
            {
                **_of(segment_id),
                "at": {"$gte": midnight, "$lt": size.at},
                "expiresAt": {"$gte": size.at + DENSE},
            },
            [{"$set": {"expiresAt": {"$add": ["$at", DENSE // timedelta(milliseconds=1)]}}}],
            session=transaction,
        )
        row |= {"at": size.at, "memberCount": size.member_count, "expiresAt": size.at + KEPT}
        await self._collection.insert_one(row, session=transaction)

    async def between(
        self, segment_id: str, since: datetime, until: datetime | None, now: datetime
    ) -> list[SegmentSize]:
        """The points from the one instant to the other, both included, in their order."""
        at = {"$gte": since} if until is None else {"$gte": since, "$lte": until}
        # MongoDB looks for what has expired once a minute; nobody shall see when.
        query = {**_of(segment_id), "at": at, "expiresAt": {"$gt": now}}
        found = self._collection.find(query, {"_id": 0, "at": 1, "memberCount": 1}).sort("at", 1)
        rows = await found.batch_size(10_000).to_list(None)
        return [SegmentSize(row["at"], row["memberCount"]) for row in rows]


def _of(segment_id: str) -> dict[str, ObjectId | None]:
    return {"_id.segment": key(Kind.SEGMENT, segment_id)}
