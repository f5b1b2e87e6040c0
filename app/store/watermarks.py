"""Watermarks, as in Netflix's DBLog: rows that a worker writes to see them in its change stream."""

from collections.abc import Collection

from app.store.change_stream import WATERMARKS
from app.store.collections import Database


class Watermarks:
    """The watermarks collection: one row per lease owner, with the number of its last watermark."""

    def __init__(self, database: Database) -> None:
        self._collection = database[WATERMARKS]

    async def write(self, owner: str, number: int) -> None:
        """Writes a watermark, which arrives in the owner's change stream."""
        await self._collection.update_one({"_id": owner}, {"$set": {"number": number}}, upsert=True)

    async def delete(self, owner: str) -> None:
        await self._collection.delete_one({"_id": owner})

    async def delete_except(self, owners: Collection[str]) -> None:
        """Deletes the rows of all other owners: those of killed workers."""
        await self._collection.delete_many({"_id": {"$nin": list(owners)}})
