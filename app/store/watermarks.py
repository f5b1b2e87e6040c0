"""Watermarks, as in Netflix's DBLog: rows that a worker writes to see them in its change stream."""

from app.store.change_stream import WATERMARKS
from app.store.collections import Database


class Watermarks:
    """The watermarks collection: one row per worker, with the number of its last watermark."""

    def __init__(self, database: Database) -> None:
        self._collection = database[WATERMARKS]

    async def write(self, worker: str, number: int) -> None:
        """Writes a watermark, which arrives in the worker's change stream."""
        await self._collection.update_one(
            {"_id": worker}, {"$set": {"number": number}}, upsert=True
        )

    async def delete(self, worker: str) -> None:
        await self._collection.delete_one({"_id": worker})
