"""Definition changes that not all partitions have backfilled yet."""

from collections.abc import Mapping, Sequence
from typing import Any

from motor.motor_asyncio import AsyncIOMotorClientSession
from pymongo import ReturnDocument

from app.domain.progress import DefinitionChange
from app.errors import DefinitionChangeConflict
from app.store.collections import Database


class DefinitionChanges:
    """The definitionChanges collection: one row per revision that changed the active filters."""

    def __init__(self, database: Database) -> None:
        self._collection = database.definitionChanges

    async def read_after(self, revision: int) -> list[DefinitionChange]:
        """The definition changes after a revision, in order, that a worker has recorded so far."""
        rows = self._collection.find({"_id": {"$gt": revision}}).sort("_id", 1)
        return [_as_definition_change(row) async for row in rows]

    async def add(
        self, definition_changes: Sequence[DefinitionChange], transaction: AsyncIOMotorClientSession
    ) -> None:
        """Records definition changes. The first worker that reaches one sets its position and
        instant.

        Raises DefinitionChangeConflict if another worker has recorded one with a different
        instant: the caller has evaluated customers at the wrong instant.
        """
        for definition_change in definition_changes:
            insert = {
                "$setOnInsert": {
                    "position": definition_change.position,
                    "positionAt": definition_change.committed_at,
                    "gapPartitions": [*definition_change.gap_partitions],
                }
            }
            query = {"_id": definition_change.revision}
            row = await self._collection.find_one_and_update(
                query,
                insert,
                upsert=True,
                return_document=ReturnDocument.AFTER,
                session=transaction,
            )
            if _as_definition_change(row) != definition_change:
                raise DefinitionChangeConflict(definition_change.revision)

    async def last_revision(self) -> int:
        """The revision of the last definition change; 0 if there is none."""
        row = await self._collection.find_one({}, {"_id": 1}, sort=[("_id", -1)])
        return int(row["_id"]) if row else 0

    async def delete_through(self, revision: int) -> None:
        """Deletes the definition changes up to a revision that all partitions have reached."""
        await self._collection.delete_many({"_id": {"$lte": revision}})


def _as_definition_change(row: Mapping[str, Any]) -> DefinitionChange:
    return DefinitionChange(
        row["_id"], row["position"], row["positionAt"], frozenset(row["gapPartitions"])
    )
