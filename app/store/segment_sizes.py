"""The history of segment sizes. MongoDB deletes points when they expire (a TTL index).

The last size is also part of the segment's document, so that lists can be sorted by it.
"""

from collections.abc import AsyncIterator, Iterable
from datetime import datetime, timedelta
from typing import Any

from bson import ObjectId
from motor.motor_asyncio import AsyncIOMotorClientSession

from app.domain.ids import EntityKind
from app.domain.segment_sizes import (
    FULL_RESOLUTION_RETENTION,
    RETENTION,
    SegmentSize,
    SizeSeries,
)
from app.store.collections import Database
from app.store.ids import to_object_id, to_object_ids, to_public_id

# A new point and the deletion of a segment both increment this revision, so that they conflict: a
# deleted segment never gains a point.
SEGMENT_SIZES_REVISION = "segmentSizes"


class SegmentSizes:
    """The segmentSizes collection: one row per segment and slot."""

    def __init__(self, database: Database) -> None:
        self._collection = database.segmentSizes
        self._segments = database.segments

    async def last(self, segment_ids: Iterable[str]) -> dict[str, SegmentSize]:
        """Returns, by segment, its last size. A segment without one is left out."""
        query = {
            "_id": {"$in": to_object_ids(EntityKind.SEGMENT, segment_ids)},
            "lastSize": {"$exists": True},
        }
        cursor = self._segments.find(query, {"lastSize": 1})
        return {
            to_public_id(EntityKind.SEGMENT, row["_id"]): SegmentSize(
                row["lastSize"]["at"], row["lastSize"]["memberCount"]
            )
            async for row in cursor
        }

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
        point = {"at": size.at, "memberCount": size.member_count}
        row |= {**point, "expiresAt": size.at + RETENTION}
        await self._collection.insert_one(row, session=transaction)
        # A worker whose clock is behind may add an earlier point.
        older = {"_id": row["_id"]["segment"], "lastSize.at": {"$not": {"$gt": size.at}}}
        await self._segments.update_one(older, {"$set": {"lastSize": point}}, session=transaction)

    async def between(
        self, segment_ids: Iterable[str], since: datetime, until: datetime | None, now: datetime
    ) -> AsyncIterator[tuple[str, SizeSeries]]:
        """Yields each segment that has points from `since` to `until`, both included, with these
        points. MongoDB groups them: to decode a document for each takes twice as long."""
        at_range = {"$gte": since} if until is None else {"$gte": since, "$lte": until}
        query = {
            "_id.segment": {"$in": to_object_ids(EntityKind.SEGMENT, segment_ids)},
            "at": at_range,
            # MongoDB deletes expired rows once a minute; the query hides those that remain.
            "expiresAt": {"$gt": now},
        }
        stages: list[dict[str, Any]] = [
            {"$match": query},
            {"$sort": {"_id.segment": 1, "at": 1}},
            {
                "$group": {
                    "_id": "$_id.segment",
                    "atMilliseconds": {"$push": {"$toLong": "$at"}},
                    "memberCounts": {"$push": "$memberCount"},
                }
            },
        ]
        async for row in self._collection.aggregate(stages):
            series = SizeSeries(row["atMilliseconds"], row["memberCounts"])
            yield to_public_id(EntityKind.SEGMENT, row["_id"]), series


def _segment_query(segment_id: str) -> dict[str, ObjectId | None]:
    return {"_id.segment": to_object_id(EntityKind.SEGMENT, segment_id)}
