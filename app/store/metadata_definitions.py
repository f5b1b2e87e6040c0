"""Metadata definitions, and the customers' values under their keys.

The row of a definition also holds the state of its conversion job: the owner, its timed lease, and
its progress. Instants come from MongoDB's clock, because workers' clocks may differ.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from motor.motor_asyncio import AsyncIOMotorClientSession
from pymongo import ReturnDocument, UpdateOne
from pymongo.errors import BulkWriteError

from app.domain.ids import EntityKind
from app.domain.metadata import DefinitionState, KeyDefinition, ValidationProgress
from app.filters.fields import AttributeType
from app.store.collections import DOCUMENT_VALIDATION_FAILURE, Database
from app.store.ids import to_object_id, to_public_id
from app.store.leases import IS_EXPIRED, lease_fields
from app.store.reads import run_read_command

_LEASE_SECONDS = 20.0
# A writer with older definitions may still commit this long after the definition became READY.
_LATE_WRITES_MILLISECONDS = 120_000

_IN_PROGRESS_STATES = [DefinitionState.CHECKING.value, DefinitionState.CONVERTING.value]
_MAY_HAVE_LATE_WRITES = {"$gt": ["$readyAt", {"$subtract": ["$$NOW", _LATE_WRITES_MILLISECONDS]}]}
_IS_CLAIMABLE: dict[str, Any] = {
    "$or": [{"state": {"$in": _IN_PROGRESS_STATES}}, {"$expr": _MAY_HAVE_LATE_WRITES}],
    **IS_EXPIRED,
}


@dataclass(frozen=True, slots=True)
class StoredValue:
    """A customer's value under a metadata key."""

    customer_id: str
    source_id: str
    value: Any


class MetadataDefinitions:
    """The metadataDefinitions collection, and the values of its keys in customers."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._collection = database.metadataDefinitions
        self._customers = database.customers

    async def save(
        self, definition: KeyDefinition, revision: int, transaction: AsyncIOMotorClientSession
    ) -> None:
        """Replaces the key's definition. A job that works on it loses its lease and starts again.

        `revision` is the definitions revision of this transaction.
        """
        row = {**_document(definition), "revision": revision}
        await self._collection.replace_one(
            {"_id": definition.key}, row, upsert=True, session=transaction
        )

    async def claim(self, key: str, owner: str) -> tuple[KeyDefinition, ValidationProgress] | None:
        """Acquires the key's job and returns its definition and progress.

        Returns None if there is nothing to do, or if another owner works on it.
        """
        document = await self._collection.find_one_and_update(
            {"_id": key, **_IS_CLAIMABLE},
            [{"$set": lease_fields(owner, _LEASE_SECONDS)}],
            return_document=ReturnDocument.AFTER,
        )
        if document is None:
            return None
        return as_definition(document), ValidationProgress(
            **document.get("validationProgress") or {}
        )

    async def save_progress(self, key: str, owner: str, progress: ValidationProgress) -> bool:
        """Saves the progress and renews the lease. Returns False if the owner lost the lease."""
        result = await self._collection.update_one(
            {"_id": key, "owner": owner},
            [
                {
                    "$set": {
                        "validationProgress": {"$literal": asdict(progress)},
                        **lease_fields(owner, _LEASE_SECONDS),
                    }
                }
            ],
        )
        return bool(result.matched_count)

    async def release(self, key: str, owner: str) -> None:
        await self._collection.update_one(
            {"_id": key, "owner": owner}, {"$unset": {"owner": "", "leaseExpiresAt": ""}}
        )

    async def advance(
        self,
        definition: KeyDefinition,
        owner: str,
        revision: int,
        transaction: AsyncIOMotorClientSession,
    ) -> bool:
        """Saves the definition in its next state. Returns False if the owner lost the lease.

        `revision` is the definitions revision of this transaction.
        """
        row = {**_document(definition), "revision": revision}
        update: dict[str, Any] = {"$set": row, "$unset": {"validationProgress": ""}}
        if definition.state is DefinitionState.READY:
            update["$currentDate"] = {"readyAt": True}
        query = {"_id": definition.key, "owner": owner}
        result = await self._collection.update_one(query, update, session=transaction)
        return bool(result.matched_count)

    async def claimable_keys(self) -> list[str]:
        """The keys with work to do and without an owner."""
        return [document["_id"] async for document in self._collection.find(_IS_CLAIMABLE)]

    async def stored_values(
        self, key: str, bson_types: Sequence[str], after: str | None, limit: int
    ) -> list[StoredValue]:
        """A page of the key's values by customer id, after the id `after`.

        With `bson_types`, only values of these BSON types. A page has at most `limit` values and
        16 MiB.
        """
        path = f"metadata.{key}"
        query: dict[str, Any] = {
            path: {"$type": list(bson_types)} if bson_types else {"$exists": True}
        }
        if after is not None:
            query["_id"] = {"$gt": to_object_id(EntityKind.CUSTOMER, after)}
        command = {
            "find": "customers",
            "filter": query,
            "projection": {path: 1, "sourceId": 1},
            "sort": {"_id": 1},
            "batchSize": limit,
            "singleBatch": True,
        }
        answer = await run_read_command(self._database, command)
        return [
            StoredValue(
                to_public_id(EntityKind.CUSTOMER, document["_id"]),
                document["sourceId"],
                document["metadata"][key],
            )
            for document in answer["cursor"]["firstBatch"]
        ]

    async def replace_values(self, key: str, changes: Iterable[tuple[StoredValue, Any]]) -> int:
        """Replaces stored values that have not changed since; returns how many it replaced."""
        path = f"metadata.{key}"
        writes = [
            UpdateOne(
                {
                    "_id": to_object_id(EntityKind.CUSTOMER, stored_value.customer_id),
                    path: {"$eq": stored_value.value},
                },
                {"$set": {path: new_value}, "$inc": {"version": 1}},
            )
            for stored_value, new_value in changes
        ]
        if not writes:
            return 0
        try:
            return int((await self._customers.bulk_write(writes, ordered=False)).modified_count)
        except BulkWriteError as error:
            if any(
                write_error["code"] != DOCUMENT_VALIDATION_FAILURE
                for write_error in error.details["writeErrors"]
            ):
                raise
            # A document that violates the validator can't be updated, so it keeps its value.
            return int(error.details["nModified"])


def _document(definition: KeyDefinition) -> dict[str, Any]:
    return {
        "type": definition.type.value,
        "isArray": definition.is_array,
        "required": definition.required,
        "allowedValues": definition.allowed_values,
        "label": definition.label,
        "state": definition.state.value,
        "problem": definition.problem,
        "previous": _document(definition.previous) if definition.previous else None,
    }


def as_definition(document: Mapping[str, Any]) -> KeyDefinition:
    allowed, previous = document["allowedValues"], document.get("previous")
    return KeyDefinition(
        key=document["_id"],
        type=AttributeType(document["type"]),
        is_array=document["isArray"],
        required=document["required"],
        allowed_values=None if allowed is None else tuple(allowed),
        label=document["label"],
        state=DefinitionState(document["state"]),
        problem=document["problem"],
        previous=as_definition({"_id": document["_id"], **previous}) if previous else None,
    )
