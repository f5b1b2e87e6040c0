"""Segments, and the definitions revision that tells a process whether its cache is current."""

from collections.abc import Iterable, Mapping
from typing import Any

from motor.motor_asyncio import AsyncIOMotorClientSession

from app.domain.ids import EntityKind
from app.domain.segments import Segment, SegmentKind
from app.errors import UserErrorCode, input_error
from app.store.collections import Database
from app.store.ids import to_object_id, to_object_ids, to_public_id

DEFINITIONS_REVISION = "definitions"
DELETED_SEGMENTS = "deletedSegments"
# A process that is further behind than this reads all definitions.
DELETED_SEGMENT_RETENTION_REVISIONS = 10_000


class Segments:
    """The segments collection."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._collection = database.segments

    async def prepare(self) -> None:
        await self._database.counters.update_one(
            {"_id": DEFINITIONS_REVISION}, {"$setOnInsert": {"revision": 0}}, upsert=True
        )

    async def get(
        self, id_: str, transaction: AsyncIOMotorClientSession | None = None
    ) -> Segment | None:
        query = {"_id": to_object_id(EntityKind.SEGMENT, id_)}
        document = await self._collection.find_one(query, session=transaction)
        return None if document is None else as_segment(document)

    async def existing_ids(
        self, ids: Iterable[str], transaction: AsyncIOMotorClientSession
    ) -> set[str]:
        """Returns the ids whose segment exists."""
        query = {"_id": {"$in": to_object_ids(EntityKind.SEGMENT, ids)}}
        cursor = self._collection.find(query, {"_id": 1}, session=transaction)
        return {to_public_id(EntityKind.SEGMENT, row["_id"]) async for row in cursor}

    async def save(
        self, segment: Segment, revision: int, transaction: AsyncIOMotorClientSession
    ) -> None:
        """Adds the segment, or updates the one with its id.

        `revision` is the definitions revision of this transaction. Raises an input error if
        another segment has the name.
        """
        query = {"_id": to_object_id(EntityKind.SEGMENT, segment.id)}
        same_name_query = {"name": segment.name, "_id": {"$ne": query["_id"]}}
        if await self._collection.find_one(same_name_query, session=transaction):
            message = f"A segment named {segment.name!r} already exists; choose another name."
            raise input_error(UserErrorCode.TAKEN, message, "input", "name")
        row = {**_document(segment), "revision": revision}
        # The document has the last size, too.
        await self._collection.update_one(query, {"$set": row}, upsert=True, session=transaction)

    async def delete(self, id_: str, revision: int, transaction: AsyncIOMotorClientSession) -> None:
        """Deletes the segment and leaves a tombstone with `revision`, the definitions revision of
        this transaction."""
        key_ = to_object_id(EntityKind.SEGMENT, id_)
        await self._collection.delete_one({"_id": key_}, session=transaction)
        tombstones = self._database[DELETED_SEGMENTS]
        await tombstones.insert_one({"_id": key_, "revision": revision}, session=transaction)
        expired = {"revision": {"$lte": revision - DELETED_SEGMENT_RETENTION_REVISIONS}}
        await tombstones.delete_many(expired, session=transaction)


def _document(segment: Segment) -> dict[str, Any]:
    return {
        "name": segment.name,
        "description": segment.description,
        "kind": segment.kind.value,
        "filter": segment.filter,
        "createdAt": segment.created_at,
        "updatedAt": segment.updated_at,
        "activatedAt": segment.activated_at,
    }


def as_segment(document: Mapping[str, Any]) -> Segment:
    return Segment(
        id=to_public_id(EntityKind.SEGMENT, document["_id"]),
        name=document["name"],
        description=document.get("description"),
        kind=SegmentKind(document["kind"]),
        filter=document.get("filter"),
        created_at=document["createdAt"],
        updated_at=document["updatedAt"],
        activated_at=document.get("activatedAt"),
    )
