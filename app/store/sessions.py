"""The sessions of processes that may be killed in the middle of a transaction.

MongoDB leaves such a transaction open, and what it wrote locked for a minute, unless another
process ends its session. So a lease names the session in which its holder works; and a transaction
without a lease, for which others must not wait so long, is given a deadline.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from bson import Binary
from motor.motor_asyncio import AsyncIOMotorClientSession

from app.store.collections import Database


def session_key(session: AsyncIOMotorClientSession) -> Binary:
    """What the session is known by."""
    # Motor's stub takes the property for a method.
    id_: Mapping[str, Any] = session.session_id  # type: ignore[assignment]
    key: Binary = id_["id"]
    return key


async def end_sessions(database: Database, keys: Iterable[Binary | None]) -> None:
    """Ends those that there are."""
    if sessions := [{"id": key} for key in keys if key is not None]:
        await database.command({"killSessions": sessions})


class TransactionDeadlines:
    """The deadlines collection: sessions, and until when their transactions may stay open."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._collection = database.transactionDeadlines

    async def set(self, session: AsyncIOMotorClientSession, seconds: float) -> None:
        """Lets other processes end the session's transaction after so long. This is seen at once:
        it is no part of the transaction."""
        deadline = {"$add": ["$$NOW", round(seconds * 1_000)]}
        query = {"_id": session_key(session)}
        await self._collection.update_one(query, [{"$set": {"expiresAt": deadline}}], upsert=True)

    async def remove(self, session: AsyncIOMotorClientSession) -> None:
        await self._collection.delete_one({"_id": session_key(session)})

    async def enforce(self) -> int:
        """Ends the transactions that are open beyond their deadlines; returns how many sessions
        these were."""
        expired = {"$expr": {"$lte": ["$expiresAt", "$$NOW"]}}
        keys = [row["_id"] async for row in self._collection.find(expired, {"_id": 1})]
        await end_sessions(self._database, keys)
        if keys:
            await self._collection.delete_many({"_id": {"$in": keys}, **expired})
        return len(keys)
