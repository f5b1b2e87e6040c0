"""Ends the sessions of processes that were killed in the middle of a transaction.

MongoDB leaves such a transaction open and its documents locked for a minute, unless another process
ends its session. So a lease names the session of its holder. A transaction without a lease that
would block others gets a deadline instead.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from bson import Binary
from motor.motor_asyncio import AsyncIOMotorClientSession

from app.store.collections import Database


def session_key(session: AsyncIOMotorClientSession) -> Binary:
    """The session's id in MongoDB."""
    # Motor's stub declares the property as a method.
    id_: Mapping[str, Any] = session.session_id  # type: ignore[assignment]
    key: Binary = id_["id"]
    return key


def never_reuse(session: AsyncIOMotorClientSession) -> None:
    """Keeps the driver from giving the session to another operation after its end."""
    # PyMongo has no public call for this.
    session.delegate._server_session.mark_dirty()


async def end_sessions(database: Database, keys: Iterable[Binary | None]) -> None:
    """Ends the sessions; skips None."""
    if sessions := [{"id": key} for key in keys if key is not None]:
        await database.command({"killSessions": sessions})


class TransactionDeadlines:
    """The transactionDeadlines collection: sessions, and when their transactions expire."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._collection = database.transactionDeadlines

    async def set(self, session: AsyncIOMotorClientSession, seconds: float) -> None:
        """Lets other processes end the session's transaction after `seconds`.

        The write is not part of the transaction, so others see it at once.
        """
        deadline = {"$add": ["$$NOW", round(seconds * 1_000)]}
        query = {"_id": session_key(session)}
        await self._collection.update_one(query, [{"$set": {"expiresAt": deadline}}], upsert=True)

    async def remove(self, session: AsyncIOMotorClientSession) -> None:
        await self._collection.delete_one({"_id": session_key(session)})

    async def enforce(self) -> int:
        """Ends the sessions whose deadline has passed; returns their number."""
        expired = {"$expr": {"$lte": ["$expiresAt", "$$NOW"]}}
        keys = [row["_id"] async for row in self._collection.find(expired, {"_id": 1})]
        await end_sessions(self._database, keys)
        if keys:
            await self._collection.delete_many({"_id": {"$in": keys}, **expired})
        return len(keys)
