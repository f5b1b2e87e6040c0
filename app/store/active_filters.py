"""The filters of active segments, each with the definitions revisions that started and ended it."""

from collections.abc import Mapping
from typing import Any

from motor.motor_asyncio import AsyncIOMotorClientSession

from app.domain.active_filters import ActiveFilter, FilterSlot
from app.domain.ids import EntityKind
from app.store.collections import Database
from app.store.filter_references import (
    as_metadata_types,
    as_referenced_segments,
    metadata_rows,
    segment_rows,
)
from app.store.ids import to_object_id, to_public_id

_IN_FORCE: dict[str, Any] = {"untilRevision": None}


class ActiveFilters:
    """The activeFilters collection."""

    def __init__(self, database: Database) -> None:
        self._collection = database.activeFilters

    async def all(self) -> list[ActiveFilter]:
        return [_active_filter(row) async for row in self._collection.find().sort("_id", 1)]

    async def count_in_force(self) -> int:
        """Counts the filters that have not ended."""
        return int(await self._collection.count_documents(_IN_FORCE))

    async def changed_since(self, revision: int) -> list[ActiveFilter]:
        """The filters that started, ended or were renamed at this revision or a later one."""
        query = {
            "$or": [
                {field: {"$gte": revision}}
                for field in ("sinceRevision", "untilRevision", "renamedRevision")
            ]
        }
        return [_active_filter(row) async for row in self._collection.find(query).sort("_id", 1)]

    async def find_free_slot(self, transaction: AsyncIOMotorClientSession) -> int:
        """The lowest slot that no filter uses."""
        cursor = self._collection.find({}, {"_id": 1}, session=transaction).sort("_id", 1)
        slot = 0
        async for row in cursor:
            if row["_id"] != slot:
                break
            slot += 1
        return slot

    async def since_revision(self, segment_id: str, transaction: AsyncIOMotorClientSession) -> int:
        """The definitions revision that started the segment's filter that is in force."""
        query = {"segmentId": to_object_id(EntityKind.SEGMENT, segment_id), **_IN_FORCE}
        row = await self._collection.find_one(query, session=transaction)
        assert row is not None, "an active segment has a filter in force"
        return int(row["sinceRevision"])

    async def slots_of(
        self, segment_id: str, transaction: AsyncIOMotorClientSession
    ) -> list[FilterSlot]:
        """The slots of the segment's filters, of the one in force and of those before."""
        query = {"segmentId": to_object_id(EntityKind.SEGMENT, segment_id)}
        projection = {"sinceRevision": 1, "untilRevision": 1}
        cursor = self._collection.find(query, projection, session=transaction)
        return [
            FilterSlot(row["_id"], row["sinceRevision"], row["untilRevision"])
            async for row in cursor
        ]

    async def add(
        self, active_filter: ActiveFilter, transaction: AsyncIOMotorClientSession
    ) -> None:
        await self._collection.insert_one(_document(active_filter), session=transaction)

    async def end(
        self, segment_id: str, revision: int, transaction: AsyncIOMotorClientSession
    ) -> None:
        """Ends the segment's filter at this revision."""
        query = {"segmentId": to_object_id(EntityKind.SEGMENT, segment_id), **_IN_FORCE}
        update = {"$set": {"untilRevision": revision}}
        await self._collection.update_one(query, update, session=transaction)

    async def rename(
        self, segment_id: str, name: str, revision: int, transaction: AsyncIOMotorClientSession
    ) -> None:
        query = {"segmentId": to_object_id(EntityKind.SEGMENT, segment_id), **_IN_FORCE}
        update = {"$set": {"segmentName": name, "renamedRevision": revision}}
        await self._collection.update_one(query, update, session=transaction)

    async def delete_ended(self, revision: int) -> None:
        """Deletes the filters that ended at or before this revision, which frees their slots."""
        await self._collection.delete_many({"untilRevision": {"$lte": revision}})


def _document(active_filter: ActiveFilter) -> dict[str, Any]:
    return {
        "_id": active_filter.slot,
        "segmentId": to_object_id(EntityKind.SEGMENT, active_filter.segment_id),
        "segmentName": active_filter.segment_name,
        "filter": active_filter.filter,
        "nestedSegments": segment_rows(active_filter.referenced_segments),
        "metadata": metadata_rows(active_filter.metadata),
        "timeZone": active_filter.time_zone,
        "weekStart": active_filter.week_start,
        "sinceRevision": active_filter.since_revision,
        "untilRevision": active_filter.until_revision,
    }


def _active_filter(row: Mapping[str, Any]) -> ActiveFilter:
    return ActiveFilter(
        slot=row["_id"],
        segment_id=to_public_id(EntityKind.SEGMENT, row["segmentId"]),
        segment_name=row["segmentName"],
        filter=row["filter"],
        referenced_segments=as_referenced_segments(row["nestedSegments"]),
        metadata=as_metadata_types(row["metadata"]),
        time_zone=row["timeZone"],
        week_start=row["weekStart"],
        since_revision=row["sinceRevision"],
        until_revision=row["untilRevision"],
    )
