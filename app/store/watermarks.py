"""Watermarks, as in Netflix's DBLog: rows that a worker writes to see them in its change stream."""

from app.store.change_stream import WATERMARKS
from app.store.collections import Database


class Watermarks:
    """The watermarks collection: one row per lease owner, with its last number."""

    def __init__(self, database: Database) -> None:
        self._collection = database[WATERMARKS]

    async def write(self, owner: str, number: int) -> None:
        """Writes a watermark, which arrives in the change stream of the owner."""
        await self._collection.update_one({"_id": owner}, {"$set": {"number": number}}, upsert=True)

    async def delete(self, owner: str) -> None:
        await self._collection.delete_one({"_id": owner})
