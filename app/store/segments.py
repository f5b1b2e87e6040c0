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


class Segments:
    """The segments collection."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._collection = database.segments

    async def prepare(self) -> None:
        await self._database.fences.update_one(
            {"_id": REVISION}, {"$setOnInsert": {"revision": 0}}, upsert=True
        )

    async def revision(self) -> int:
        """The number of changes so far of all that filters rest on."""
        found = await self._database.fences.find_one({"_id": REVISION})
        return int(found["revision"]) if found else 0

    async def all(self) -> list[Segment]:
        return [_segment(document) async for document in self._collection.find().sort("_id", 1)]

    async def get(
        self, id_: str, transaction: AsyncIOMotorClientSession | None = None
    ) -> Segment | None:
        query = {"_id": key(Kind.SEGMENT, id_)}
        found = await self._collection.find_one(query, session=transaction)
        return None if found is None else _segment(found)

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
        return [_segment(document) async for document in found]

    async def count(self, search: str | None, kinds: Sequence[SegmentKind] | None) -> int:
        return int(await self._collection.count_documents(_matching(search, kinds)))

    async def save(self, segment: Segment, transaction: AsyncIOMotorClientSession) -> None:
        """Adds the segment, or puts it in the place of the one with its id."""
        query = {"_id": key(Kind.SEGMENT, segment.id)}
        other = {"name": segment.name, "_id": {"$ne": query["_id"]}}
        if await self._collection.find_one(other, session=transaction):
            message = f"A segment called {segment.name!r} is there already; choose another name."
            raise refuse(Code.TAKEN, message, "input", "name")
        await self._collection.replace_one(
            query, _document(segment), upsert=True, session=transaction
        )

    async def delete(self, id_: str, transaction: AsyncIOMotorClientSession) -> None:
        await self._collection.delete_one({"_id": key(Kind.SEGMENT, id_)}, session=transaction)


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


def _segment(document: Mapping[str, Any]) -> Segment:
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
