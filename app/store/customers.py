"""Customers: found by reference or by filter, and saved as drafts."""

import sys
from collections.abc import Iterable, Sequence
from typing import Any

from bson import ObjectId
from motor.motor_asyncio import AsyncIOMotorClientSession
from pymongo import InsertOne, UpdateOne

from app.domain.customers import Customer, Document, Draft
from app.domain.ids import Kind
from app.domain.inputs import CustomerRef
from app.filters.pipeline import CUSTOMERS
from app.store.collections import Database
from app.store.ids import key, keys, public
from app.store.questions import Questions, Stage
from app.store.reads import read_command
from app.store.stream import partition_of

_LARGEST_SAMPLE = 32 * 1024
_LAST_LETTER = chr(sys.maxunicode)


class Customers:
    """The customers collection."""

    def __init__(self, database: Database, questions: Questions) -> None:
        self._database = database
        self._collection = database.customers
        self._questions = questions

    async def get(self, ref: CustomerRef) -> Customer | None:
        query = by_ref(ref)
        found = None if query is None else await self._collection.find_one(query)
        return None if found is None else as_customer(found)

    async def find(
        self, refs: Iterable[CustomerRef], transaction: AsyncIOMotorClientSession | None = None
    ) -> list[Customer]:
        """Those of the customers that are there."""
        refs = list(refs)
        found = self._collection.find(_by_refs(refs), session=transaction)
        documents = await found.batch_size(len(refs) + 1).to_list(None)
        return [as_customer(document) for document in documents]

    async def source_ids(
        self, refs: Iterable[CustomerRef], transaction: AsyncIOMotorClientSession
    ) -> dict[str, str]:
        """The sourceIds by id of those of the customers that are there."""
        found = self._collection.find(_by_refs(refs), {"sourceId": 1}, session=transaction)
        return {
            public(Kind.CUSTOMER, document["_id"]): document["sourceId"] async for document in found
        }

    async def save(self, drafts: Iterable[Draft], transaction: AsyncIOMotorClientSession) -> None:
        """Writes what the drafts have changed, and nothing else of the documents."""
        writes: list[InsertOne[dict[str, Any]] | UpdateOne] = []
        for draft in drafts:
            id_ = key(Kind.CUSTOMER, draft.id)
            if draft.before is None:
                writes.append(InsertOne({"_id": id_, **draft.document}))
            elif update := _update(draft):
                writes.append(UpdateOne({"_id": id_}, update))
        if writes:
            await self._collection.bulk_write(writes, ordered=False, session=transaction)

    async def delete(self, id_: str, transaction: AsyncIOMotorClientSession) -> None:
        await self._collection.delete_one({"_id": key(Kind.CUSTOMER, id_)}, session=transaction)

    async def documents(
        self, ids: Sequence[str], paths: Iterable[Sequence[str]]
    ) -> dict[str, tuple[int, Document]]:
        """What lies at these paths of those of the customers that are there, as most members of
        MongoDB have it; each with the partition. Of many large ones not all."""
        return await self._documents({"_id": {"$in": keys(Kind.CUSTOMER, ids)}}, len(ids), paths)

    async def documents_after(
        self, id_: str, most: int, paths: Iterable[Sequence[str]]
    ) -> dict[str, tuple[int, Document]]:
        """The same of the next customers by id."""
        query = {"_id": {"$gt": key(Kind.CUSTOMER, id_)}} if id_ else {}
        return await self._documents(query, most, paths)

    async def _documents(
        self, query: dict[str, Any], most: int, paths: Iterable[Sequence[str]]
    ) -> dict[str, tuple[int, Document]]:
        """As many as MongoDB gives in one answer, 16 MiB: however large they are, it is small."""
        asked = dict.fromkeys(map(".".join, paths), 1)
        stages: list[Stage] = [
            {"$match": query},
            {"$sort": {"_id": 1}},
            {"$limit": most},
            {"$project": {**asked, "partition": partition_of("$_id")}},
        ]
        command = {
            "aggregate": "customers",
            "pipeline": stages,
            "cursor": {"batchSize": most + 1},
        }
        cursor = (await read_command(self._database, command))["cursor"]
        if cursor["id"]:
            await self._database.command({"killCursors": "customers", "cursors": [cursor["id"]]})
        return {
            public(Kind.CUSTOMER, document["_id"]): (document.pop("partition"), document)
            for document in cursor["firstBatch"]
        }

    async def number(self) -> int:
        """About how many customers there are."""
        return int(await self._collection.estimated_document_count())

    async def some_ids(self, most: int) -> list[str]:
        """The ids of some customers, by chance."""
        by_chance: list[Stage] = [{"$sample": {"size": most}}, {"$project": {"_id": 1}}]
        found = await self._collection.aggregate(by_chance).to_list(None)
        return [public(Kind.CUSTOMER, row["_id"]) for row in found]

    async def arrays_at(self, path: str) -> bool:
        """Whether an array has ever lain at the path, as far as an index knows."""
        return await self._questions.through_arrays(CUSTOMERS, {path: {"$gt": 0}})

    async def sample(self, most: int) -> list[Customer]:
        """Some customers, by chance, none of them large."""
        by_chance: list[Stage] = [{"$sample": {"size": most}}, {"$match": small(_LARGEST_SAMPLE)}]
        found = await self._questions.answer(CUSTOMERS, by_chance, batchSize=most + 1)
        return [as_customer(document) for document in found]


async def existing(
    database: Database,
    customer_keys: Iterable[ObjectId],
    transaction: AsyncIOMotorClientSession | None = None,
) -> set[ObjectId]:
    """Those of the keys that belong to a customer. Rows of any other belong to a deleted customer,
    and count for nobody."""
    wanted = list(set(customer_keys))
    found = database.customers.find({"_id": {"$in": wanted}}, {"_id": 1}, session=transaction)
    return {row["_id"] for row in await found.batch_size(len(wanted) + 1).to_list(None)}


def small(size: int) -> dict[str, Any]:
    """The predicate of documents of less than so many bytes."""
    return {"$expr": {"$lt": [{"$bsonSize": "$$ROOT"}, size]}}


def starts_with(prefix: str) -> dict[str, Any]:
    """The predicate of those of whose search keys one begins with the text.

    A range rather than a pattern: whatever the text holds, the index serves it.
    """
    bounds = {"$gte": prefix}
    if end := _end_of(prefix):
        bounds["$lt"] = end
    return {"search": {"$elemMatch": bounds}}


def _end_of(prefix: str) -> str:
    """The least text that comes after all that begin with the prefix; none where nothing does."""
    shorter = prefix.rstrip(_LAST_LETTER)
    if not shorter:
        return ""
    following = ord(shorter[-1]) + 1
    # Halves of surrogate pairs are no letters.
    return shorter[:-1] + chr(0xE000 if following == 0xD800 else following)


def by_ref(ref: CustomerRef) -> dict[str, ObjectId | str] | None:
    if ref.source_id is not None:
        return {"sourceId": ref.source_id}
    found = key(Kind.CUSTOMER, ref.id or "")
    return None if found is None else {"_id": found}


def _by_refs(refs: Iterable[CustomerRef]) -> dict[str, Any]:
    ids, source_ids = set(), set()
    for ref in refs:
        ids.add(ref.id)
        source_ids.add(ref.source_id)
    return {
        "$or": [
            {"_id": {"$in": keys(Kind.CUSTOMER, [id_ for id_ in ids if id_])}},
            {"sourceId": {"$in": [source_id for source_id in source_ids if source_id]}},
        ]
    }


def as_customer(document: dict[str, Any]) -> Customer:
    return Customer(public(Kind.CUSTOMER, document["_id"]), document)


def _update(draft: Draft) -> dict[str, Any]:
    before, after = draft.before or {}, draft.document
    changed = {k: v for k, v in after.items() if k not in before or v is not before[k]}
    removed = {k: "" for k in before if k not in after}
    update: dict[str, Any] = {}
    if changed:
        update["$set"] = changed
    if removed:
        update["$unset"] = removed
    return update
