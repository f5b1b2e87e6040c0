"""How far each of those who read the log of transitions has come, and which worker reads."""

from datetime import UTC, datetime

from motor.motor_asyncio import AsyncIOMotorClientSession

from app.store.collections import Database
from app.store.sessions import end_sessions, session_key

LOYALTY = "loyalty"
LEASE_SECONDS = 3


class Places:
    """The places collection: one row a reader, with the last sequence that it is done with."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._collection = database.places

    async def prepare(self) -> None:
        nowhere = {
            "sequence": 0,
            "worker": "",
            "session": None,
            "heldUntil": datetime.fromtimestamp(0, UTC),
        }
        await self._collection.update_one({"_id": LOYALTY}, {"$setOnInsert": nowhere}, upsert=True)

    async def get(self, reader: str, transaction: AsyncIOMotorClientSession | None = None) -> int:
        found = await self._collection.find_one({"_id": reader}, session=transaction)
        return int(found["sequence"]) if found else 0

    async def claim(self, reader: str, worker: str, session: AsyncIOMotorClientSession) -> bool:
        """Whether the worker may read on, in this session: no other does, or has for a while."""
        free = {"$or": [{"worker": worker}, {"$expr": {"$lte": ["$heldUntil", "$$NOW"]}}]}
        row = await self._collection.find_one({"_id": reader, **free})
        if row is None:
            return False
        if row["worker"] != worker:
            await end_sessions(self._database, [row["session"]])
        until = {"$add": ["$$NOW", round(LEASE_SECONDS * 1_000)]}
        mine = {"worker": worker, "session": session_key(session), "heldUntil": until}
        still = {"_id": reader, "worker": row["worker"], "heldUntil": row["heldUntil"]}
        done = await self._collection.update_one(still, [{"$set": mine}])
        return bool(done.matched_count)

    async def release(self, reader: str, worker: str) -> None:
        free = {"worker": "", "session": None, "heldUntil": "$$NOW"}
        await self._collection.update_one({"_id": reader, "worker": worker}, [{"$set": free}])

    async def move(
        self, reader: str, before: int, after: int, transaction: AsyncIOMotorClientSession
    ) -> bool:
        """Whether the reader was where it thought; from now on nobody else moves it, until the
        transaction is over."""
        query = {"_id": reader, "sequence": before}
        moved = await self._collection.update_one(
            query, {"$set": {"sequence": after}}, session=transaction
        )
        return bool(moved.matched_count)

    async def slowest(self) -> int:
        """What all of them are done with."""
        return min([row["sequence"] async for row in self._collection.find()], default=0)
