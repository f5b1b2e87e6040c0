"""Customers: looked up by reference, read in chunks, and saved from a unit of work."""

from collections.abc import Iterable, Sequence
from typing import Any

from bson import ObjectId
from motor.motor_asyncio import AsyncIOMotorClientSession
from pymongo import InsertOne, UpdateOne

from app.domain.customers import Customer, Document, TrackedCustomer
from app.domain.ids import EntityKind
from app.domain.inputs import CustomerRef
from app.domain.search import email_key, email_word
from app.filters.fields import is_storable
from app.filters.sources import CUSTOMERS_COLLECTION
from app.store.change_stream import partition_of
from app.store.collections import Database
from app.store.ids import to_object_id, to_object_ids, to_public_id
from app.store.query_budget import QueryBudget, Stage
from app.store.reads import close_cursor, read_page, run_read_command

_MAX_SAMPLED_CUSTOMER_BYTES = 32 * 1024
_NOT_ASCII = r"[^\x00-\x7F]"
ID_INDEX = {"_id": 1}

WITHOUT_METADATA: dict[str, Any] = {"metadata": 0}
"""The projection for those who do not ask for metadata, which may have 1 MiB."""


class Customers:
    """The customers collection."""

    def __init__(self, database: Database, query_budget: QueryBudget) -> None:
        self._database = database
        self._collection = database.customers
        self._query_budget = query_budget

    async def get(self, ref: CustomerRef) -> Customer | None:
        query = ref_query(ref)
        document = None if query is None else await self._collection.find_one(query)
        return None if document is None else as_customer(document)

    async def any(self) -> bool:
        """Whether there is a customer."""
        return await self._collection.find_one({}, ID_INDEX) is not None

    async def find(
        self, refs: Iterable[CustomerRef], transaction: AsyncIOMotorClientSession | None = None
    ) -> list[Customer]:
        """Returns the referenced customers that exist."""
        refs = list(refs)
        cursor = self._collection.find(_refs_query(refs), session=transaction)
        documents = await cursor.batch_size(len(refs) + 1).to_list(None)
        return [as_customer(document) for document in documents]

    async def read(self, refs: Sequence[CustomerRef], *, with_metadata: bool) -> list[Customer]:
        """Returns the referenced customers that exist. Raises PageTooLarge."""
        command = {
            "find": CUSTOMERS_COLLECTION,
            "filter": _refs_query(refs),
            "projection": {} if with_metadata else WITHOUT_METADATA,
            "batchSize": len(refs) + 1,
        }
        return [as_customer(document) for document in await read_page(self._database, command)]

    async def source_ids(
        self, refs: Iterable[CustomerRef], transaction: AsyncIOMotorClientSession
    ) -> dict[str, str]:
        """Returns, by id, the sourceIds of the referenced customers that exist."""
        cursor = self._collection.find(_refs_query(refs), {"sourceId": 1}, session=transaction)
        return {
            to_public_id(EntityKind.CUSTOMER, document["_id"]): document["sourceId"]
            async for document in cursor
        }

    async def ids_by_email(self, emails: Iterable[str], limit: int) -> dict[str, list[str]]:
        """Returns by `email_key` the ids of the customers who have one of the emails, ignoring
        case: at most `limit` of each email, the smallest ones in order."""
        words_by_key = _words_by_email_key(emails)
        ascii_keys = {"$literal": [*filter(str.isascii, words_by_key)]}
        # A word may be the end of many emails. So MongoDB compares the whole ones, as far as it
        # knows the cases of letters.
        stored_key = {"$toLower": {"$trim": {"input": "$email"}}}
        stages: list[Stage] = [
            {
                "$match": {
                    "searchWords": {"$in": [*words_by_key.values()]},
                    "email": {"$type": "string"},
                    "$or": [
                        {"$expr": {"$in": [stored_key, ascii_keys]}},
                        {"email": {"$regex": _NOT_ASCII}},
                    ],
                }
            },
            {"$group": {"_id": "$email", "ids": {"$minN": {"input": "$_id", "n": limit}}}},
        ]
        found: dict[str, list[ObjectId]] = {}
        async for row in self._collection.aggregate(stages):
            if (key := email_key(row["_id"])) in words_by_key:
                found.setdefault(key, []).extend(row["ids"])
        return {
            key: [to_public_id(EntityKind.CUSTOMER, id_) for id_ in sorted(ids)[:limit]]
            for key, ids in found.items()
        }

    async def save(
        self, tracked_customers: Iterable[TrackedCustomer], transaction: AsyncIOMotorClientSession
    ) -> None:
        """Writes the fields that changed; leaves the other fields of the documents alone."""
        writes: list[InsertOne[dict[str, Any]] | UpdateOne] = []
        for tracked_customer in tracked_customers:
            customer_key = to_object_id(EntityKind.CUSTOMER, tracked_customer.id)
            if tracked_customer.before is None:
                writes.append(InsertOne({"_id": customer_key, **tracked_customer.document}))
            elif update := _build_update(tracked_customer):
                writes.append(UpdateOne({"_id": customer_key}, update))
        if writes:
            await self._collection.bulk_write(writes, ordered=False, session=transaction)

    async def delete(self, id_: str, transaction: AsyncIOMotorClientSession) -> None:
        await self._collection.delete_one(
            {"_id": to_object_id(EntityKind.CUSTOMER, id_)}, session=transaction
        )

    async def read_documents(
        self, ids: Sequence[str], paths: Iterable[Sequence[str]]
    ) -> dict[str, tuple[int, Document]]:
        """Returns, by id, the partition and the values at `paths` of the customers that exist.

        Reads with majority read concern. Returns fewer customers if they exceed 16 MiB together.
        """
        return await self._read_documents(
            {"_id": {"$in": to_object_ids(EntityKind.CUSTOMER, ids)}}, len(ids), paths
        )

    async def read_documents_after(
        self, after_id: str, limit: int, paths: Iterable[Sequence[str]]
    ) -> dict[str, tuple[int, Document]]:
        """Like `read_documents`, for at most `limit` customers after `after_id`, by id."""
        query = {"_id": {"$gt": to_object_id(EntityKind.CUSTOMER, after_id)}} if after_id else {}
        return await self._read_documents(query, limit, paths)

    async def _read_documents(
        self, query: dict[str, Any], limit: int, paths: Iterable[Sequence[str]]
    ) -> dict[str, tuple[int, Document]]:
        """Reads a single batch, at most 16 MiB, which bounds the memory for large customers."""
        projection = dict.fromkeys(map(".".join, paths), 1)
        stages: list[Stage] = [
            {"$match": query},
            {"$sort": {"_id": 1}},
            {"$limit": limit},
            {"$project": {**projection, "partition": partition_of("$_id")}},
        ]
        command = {
            "aggregate": "customers",
            "pipeline": stages,
            "cursor": {"batchSize": limit + 1},
        }
        cursor = (await run_read_command(self._database, command))["cursor"]
        await close_cursor(self._database, cursor)
        return {
            to_public_id(EntityKind.CUSTOMER, document["_id"]): (
                document.pop("partition"),
                document,
            )
            for document in cursor["firstBatch"]
        }

    async def estimate_count(self) -> int:
        """The approximate number of customers, from the collection's metadata."""
        return int(await self._collection.estimated_document_count())

    async def sample_ids(self, limit: int) -> list[str]:
        """The ids of `limit` random customers."""
        sample_stages: list[Stage] = [{"$sample": {"size": limit}}, {"$project": {"_id": 1}}]
        documents = await self._collection.aggregate(sample_stages).to_list(None)
        return [to_public_id(EntityKind.CUSTOMER, row["_id"]) for row in documents]

    async def has_arrays_at(self, path: str) -> bool:
        """Whether an index has ever seen an array at the path."""
        return await self._query_budget.is_multikey(CUSTOMERS_COLLECTION, {path: {"$gt": 0}})

    async def sample(self, limit: int) -> list[Customer]:
        """At most `limit` random customers, without large ones."""
        sample_stages: list[Stage] = [
            {"$sample": {"size": limit}},
            {"$match": smaller_than(_MAX_SAMPLED_CUSTOMER_BYTES)},
        ]
        documents = await self._query_budget.aggregate(
            CUSTOMERS_COLLECTION, sample_stages, batchSize=limit + 1
        )
        return [as_customer(document) for document in documents]


async def existing_keys(
    database: Database,
    customer_keys: Iterable[ObjectId],
    transaction: AsyncIOMotorClientSession | None = None,
) -> set[ObjectId]:
    """Returns the keys whose customer exists. Rows with other keys belong to deleted customers."""
    unique_keys = list(set(customer_keys))
    cursor = database.customers.find({"_id": {"$in": unique_keys}}, {"_id": 1}, session=transaction)
    return {row["_id"] for row in await cursor.batch_size(len(unique_keys) + 1).to_list(None)}


def smaller_than(max_bytes: int) -> dict[str, Any]:
    """The predicate of documents smaller than `max_bytes`."""
    return {"$expr": {"$lt": [{"$bsonSize": "$$ROOT"}, max_bytes]}}


def ids_query(ids: Iterable[str]) -> dict[str, Any]:
    """The predicate of the customers with these ids. Use it with the hint ID_INDEX."""
    return {"_id": {"$in": to_object_ids(EntityKind.CUSTOMER, ids)}}


def ref_query(ref: CustomerRef) -> dict[str, ObjectId | str] | None:
    if ref.source_id is not None:
        return {"sourceId": ref.source_id}
    customer_key = to_object_id(EntityKind.CUSTOMER, ref.id or "")
    return None if customer_key is None else {"_id": customer_key}


def _refs_query(refs: Iterable[CustomerRef]) -> dict[str, Any]:
    ids, source_ids = set(), set()
    for ref in refs:
        ids.add(ref.id)
        source_ids.add(ref.source_id)
    return {
        "$or": [
            {"_id": {"$in": to_object_ids(EntityKind.CUSTOMER, [id_ for id_ in ids if id_])}},
            {"sourceId": {"$in": [source_id for source_id in source_ids if source_id]}},
        ]
    }


def as_customer(document: dict[str, Any]) -> Customer:
    return Customer(to_public_id(EntityKind.CUSTOMER, document["_id"]), document)


def _build_update(tracked_customer: TrackedCustomer) -> dict[str, Any]:
    before, after = tracked_customer.before or {}, tracked_customer.document
    changed = {
        field: value
        for field, value in after.items()
        if field not in before or value is not before[field]
    }
    removed = {field: "" for field in before if field not in after}
    update: dict[str, Any] = {}
    if changed:
        update["$set"] = changed
    if removed:
        update["$unset"] = removed
    return update


def _words_by_email_key(emails: Iterable[str]) -> dict[str, str]:
    """Returns for each email that a customer can have a word by which to find the customer."""
    words = ((email, email_word(email)) for email in emails if is_storable(email))
    return {email_key(email): word for email, word in words if word}
