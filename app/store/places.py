"""How far each of those who read the log of transitions has come."""

from motor.motor_asyncio import AsyncIOMotorClientSession

from app.store.collections import Database

LOYALTY = "loyalty"


class Places:
    """The places collection: one row a reader, with the last sequence that it is done with."""

    def __init__(self, database: Database) -> None:
        self._collection = database.places

    async def prepare(self) -> None:
        nowhere = {"$setOnInsert": {"sequence": 0}}
        await self._collection.update_one({"_id": LOYALTY}, nowhere, upsert=True)

    async def get(self, reader: str, transaction: AsyncIOMotorClientSession | None = None) -> int:
        found = await self._collection.find_one({"_id": reader}, session=transaction)
        return int(found["sequence"]) if found else 0

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
