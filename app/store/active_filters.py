"""The filters of active segments, each with the revisions that brought and ended it."""

from collections.abc import Mapping
from typing import Any

from motor.motor_asyncio import AsyncIOMotorClientSession

from app.domain.active_filters import ActiveFilter, Inside
from app.domain.ids import Kind
from app.filters import AttributeType, MetadataType
from app.store.collections import Database
from app.store.ids import key, public

_CURRENT: dict[str, Any] = {"until": None}


class ActiveFilters:
    """The activeFilters collection."""

    def __init__(self, database: Database) -> None:
        self._collection = database.activeFilters

    async def all(self) -> list[ActiveFilter]:
        return [_active_filter(row) async for row in self._collection.find().sort("_id", 1)]

    async def number(self) -> int:
        """How many are in force."""
        return int(await self._collection.count_documents(_CURRENT))

    async def since(self, revision: int) -> list[ActiveFilter]:
        """Those that this revision, or a later one, brought, ended, or gave another name."""
        query = {"$or": [{of: {"$gte": revision}} for of in ("since", "until", "named")]}
        return [_active_filter(row) async for row in self._collection.find(query).sort("_id", 1)]

    async def free_slot(self, transaction: AsyncIOMotorClientSession) -> int:
        """The least that no filter has."""
        found = self._collection.find({}, {"_id": 1}, session=transaction).sort("_id", 1)
        slot = 0
        async for row in found:
            if row["_id"] != slot:
                break
            slot += 1
        return slot

    async def begin(self, active: ActiveFilter, transaction: AsyncIOMotorClientSession) -> None:
        await self._collection.insert_one(_document(active), session=transaction)

    async def end(
        self, segment_id: str, revision: int, transaction: AsyncIOMotorClientSession
    ) -> None:
        """The segment's filter is in force until this revision."""
        query = {"segmentId": key(Kind.SEGMENT, segment_id), **_CURRENT}
        until = {"$set": {"until": revision}}
        await self._collection.update_one(query, until, session=transaction)

    async def rename(
        self, segment_id: str, name: str, revision: int, transaction: AsyncIOMotorClientSession
    ) -> None:
        query = {"segmentId": key(Kind.SEGMENT, segment_id), **_CURRENT}
        named = {"$set": {"segmentName": name, "named": revision}}
        await self._collection.update_one(query, named, session=transaction)

    async def forget(self, revision: int) -> None:
        """Drops those that were over by this revision; their slots are free again."""
        await self._collection.delete_many({"until": {"$lte": revision}})


def _document(active: ActiveFilter) -> dict[str, Any]:
    return {
        "_id": active.slot,
        "segmentId": key(Kind.SEGMENT, active.segment_id),
        "segmentName": active.segment_name,
        "filter": active.filter,
        # As lists: what the project calls its keys is no path of MongoDB's.
        "inside": [
            {"id": id_, "name": inside.name, "filter": inside.filter}
            for id_, inside in active.inside.items()
        ],
        "metadata": [
            {"key": key_, "type": known.type.value, "isArray": known.is_array}
            for key_, known in active.metadata.items()
        ],
        "timeZone": active.time_zone,
        "weekStart": active.week_start,
        "since": active.since,
        "until": active.until,
    }


def _active_filter(row: Mapping[str, Any]) -> ActiveFilter:
    return ActiveFilter(
        slot=row["_id"],
        segment_id=public(Kind.SEGMENT, row["segmentId"]),
        segment_name=row["segmentName"],
        filter=row["filter"],
        inside={each["id"]: Inside(each["name"], each["filter"]) for each in row["inside"]},
        metadata={
            each["key"]: MetadataType(AttributeType(each["type"]), each["isArray"])
            for each in row["metadata"]
        },
        time_zone=row["timeZone"],
        week_start=row["weekStart"],
        since=row["since"],
        until=row["until"],
    )
