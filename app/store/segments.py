"""Segments: their definitions, and the revision by which a process knows that its copy is fresh."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from motor.motor_asyncio import AsyncIOMotorClientSession

from app.domain.ids import Kind
from app.domain.segments import LONGEST_NAME, Segment, SegmentKind
from app.errors import Code, refuse
from app.filters.fields import is_storable
from app.filters.folding import pattern
from app.store.collections import Database
from app.store.ids import key, keys, public

REVISION = "definitions"
TOMBSTONES = "deletedSegments"
# So many revisions a tombstone is kept; a process that is further behind reads everything.
KEPT_REVISIONS = 10_000


class Segments:
    """The segments collection."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._collection = database.segments

    async def prepare(self) -> None:
        await self._database.fences.update_one(
            {"_id": REVISION}, {"$setOnInsert": {"revision": 0}}, upsert=True
        )

    async def get(
        self, id_: str, transaction: AsyncIOMotorClientSession | None = None
    ) -> Segment | None:
        query = {"_id": key(Kind.SEGMENT, id_)}
        found = await self._collection.find_one(query, session=transaction)
        return None if found is None else as_segment(found)

    async def existing(
        self, ids: Iterable[str], transaction: AsyncIOMotorClientSession
    ) -> set[str]:
        """Those of the ids that belong to a segment."""
        query = {"_id": {"$in": keys(Kind.SEGMENT, ids)}}
        found = self._collection.find(query, {"_id": 1}, session=transaction)
        return {public(Kind.SEGMENT, row["_id"]) async for row in found}

    async def page(
        self,
        search: str | None,
        kinds: Sequence[SegmentKind] | None,
        after: str | None,
        most: int,
    ) -> list[Segment]:
        """Segments by id, after one of them, whose names contain the text."""
        query = _matching(search, kinds)
        if after is not None:
            query["_id"] = {"$gt": key(Kind.SEGMENT, after)}
        found = self._collection.find(query).sort("_id", 1).limit(most)
        return [as_segment(document) async for document in found]

    async def count(self, search: str | None, kinds: Sequence[SegmentKind] | None) -> int:
        return int(await self._collection.count_documents(_matching(search, kinds)))

    async def save(
        self, segment: Segment, revision: int, transaction: AsyncIOMotorClientSession
    ) -> None:
        """Adds the segment, or replaces the one with its id; `revision` is the one that the
        transaction makes."""
        query = {"_id": key(Kind.SEGMENT, segment.id)}
        other = {"name": segment.name, "_id": {"$ne": query["_id"]}}
        if await self._collection.find_one(other, session=transaction):
            message = f"A segment called {segment.name!r} is there already; choose another name."
            raise refuse(Code.TAKEN, message, "input", "name")
        row = {**_document(segment), "revision": revision}
        await self._collection.replace_one(query, row, upsert=True, session=transaction)

    async def delete(self, id_: str, revision: int, transaction: AsyncIOMotorClientSession) -> None:
        """Deletes the segment and leaves a tombstone; `revision` is the one that the transaction
        makes."""
        key_ = key(Kind.SEGMENT, id_)
        await self._collection.delete_one({"_id": key_}, session=transaction)
        tombstones = self._database[TOMBSTONES]
        await tombstones.insert_one({"_id": key_, "revision": revision}, session=transaction)
        old = {"revision": {"$lte": revision - KEPT_REVISIONS}}
        await tombstones.delete_many(old, session=transaction)


def _matching(search: str | None, kinds: Sequence[SegmentKind] | None) -> dict[str, Any]:
    query: dict[str, Any] = {}
    if search:
        # No name is longer, nor is a pattern that MongoDB takes.
        findable = len(search) <= LONGEST_NAME and is_storable(search)
        query["name"] = {"$regex": pattern(search, ignore_case=True)} if findable else None
    if kinds is not None:
        query["kind"] = {"$in": [kind.value for kind in kinds]}
    return query


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
        id=public(Kind.SEGMENT, document["_id"]),
        name=document["name"],
        description=document.get("description"),
        kind=SegmentKind(document["kind"]),
        filter=document.get("filter"),
        created_at=document["createdAt"],
        updated_at=document["updatedAt"],
        activated_at=document.get("activatedAt"),
    )
