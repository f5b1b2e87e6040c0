"""The idempotency keys of requests that created something."""

from typing import Any

from motor.motor_asyncio import AsyncIOMotorClientSession

from app.domain.idempotency import IdempotencyKey, RecordedCreation
from app.store.collections import Database
from app.store.reads import retry_read


class IdempotencyKeys:
    """The idempotencyKeys collection. The `_id` of a row is the mutation, the key and the caller.
    MongoDB deletes a row when its retention is over (a TTL index)."""

    def __init__(self, database: Database) -> None:
        self._collection = database.idempotencyKeys

    async def find(self, key: IdempotencyKey) -> RecordedCreation | None:
        """Returns what a request with the key created, once a majority has committed it."""
        row = await retry_read(lambda: self._collection.find_one({"_id": _row_id(key)}))
        if row is None:
            return None
        return RecordedCreation(row["inputDigest"], row["createdId"], row["createdAt"])

    async def exists(self, key: IdempotencyKey, transaction: AsyncIOMotorClientSession) -> bool:
        """Whether the key is in the snapshot of the transaction."""
        query = {"_id": _row_id(key)}
        return await self._collection.find_one(query, {"_id": 1}, session=transaction) is not None

    async def add(
        self,
        key: IdempotencyKey,
        creation: RecordedCreation,
        transaction: AsyncIOMotorClientSession,
    ) -> None:
        """Adds a key, which must be new. Conflicts with another transaction that adds it."""
        row = {
            "_id": _row_id(key),
            "inputDigest": creation.input_digest,
            "createdId": creation.created_id,
            "createdAt": creation.at,
        }
        await self._collection.insert_one(row, session=transaction)


def _row_id(key: IdempotencyKey) -> dict[str, Any]:
    return {"mutation": key.mutation, "key": key.key, "caller": key.caller}
