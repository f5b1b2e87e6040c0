"""The history of segment sizes. MongoDB deletes points when they expire (a TTL index)."""

from datetime import datetime, timedelta
from typing import Any

from bson import ObjectId
from motor.motor_asyncio import AsyncIOMotorClientSession

from app.domain.ids import EntityKind
from app.domain.segment_sizes import FULL_RESOLUTION_RETENTION, RETENTION, SegmentSize
from app.store.collections import Database
from app.store.ids import to_object_id

# A new point and the deletion of a segment both increment this revision, so that they conflict: a
# deleted segment never gains a point.
SEGMENT_SIZES_REVISION = "segmentSizes"


class SegmentSizes:
    """The segmentSizes collection: one row per segment and slot."""

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
        """Adds the point of a slot, unless it exists.

        The last point of a day is kept longest. So the new point takes that place, and earlier
        points since `midnight`, the start of the day, expire with the full resolution.
        """
        row: dict[str, Any] = {
            "_id": {"segment": to_object_id(EntityKind.SEGMENT, segment_id), "slot": slot}
        }
        if await self._collection.find_one(row, session=transaction):
            return
        await self._collection.update_many(
            {
                **_segment_query(segment_id),
                "at": {"$gte": midnight, "$lt": size.at},
                "expiresAt": {"$gte": size.at + FULL_RESOLUTION_RETENTION},
            },
            [
                {
                    "$set": {
                        "expiresAt": {
                            "$add": ["$at", FULL_RESOLUTION_RETENTION // timedelta(milliseconds=1)]
                        }
                    }
                }
            ],
            session=transaction,
        )
        row |= {"at": size.at, "memberCount": size.member_count, "expiresAt": size.at + RETENTION}
        await self._collection.insert_one(row, session=transaction)

    async def between(
        self, segment_id: str, since: datetime, until: datetime | None, now: datetime
    ) -> list[SegmentSize]:
        """The points from `since` to `until`, both included, in order of time."""
        at_range = {"$gte": since} if until is None else {"$gte": since, "$lte": until}
        # MongoDB deletes expired rows once a minute; the query hides those that remain.
        query = {**_segment_query(segment_id), "at": at_range, "expiresAt": {"$gt": now}}
        cursor = self._collection.find(query, {"_id": 0, "at": 1, "memberCount": 1}).sort("at", 1)
        rows = await cursor.batch_size(10_000).to_list(None)
        return [SegmentSize(row["at"], row["memberCount"]) for row in rows]


def _segment_query(segment_id: str) -> dict[str, ObjectId | None]:
    return {"_id.segment": to_object_id(EntityKind.SEGMENT, segment_id)}
