"""The partitions of the customers: the progress of each, and the worker that processes it.

A worker holds a partition by a lease kept by heartbeats (see `leases.py`). The module also stores
definition changes and watermarks, and reads MongoDB's clock.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from motor.motor_asyncio import AsyncIOMotorClientSession
from pymongo import UpdateOne
from pymongo.read_concern import ReadConcern

from app.domain.changes import DefinitionChange, PartitionProgress, PoisonChange
from app.domain.engine_status import PartitionStatus
from app.errors import LeaseLost, PoisonChangeError
from app.store.change_stream import PARTITION_COUNT, WATERMARKS, position_of
from app.store.collections import Database
from app.store.leases import NO_HOLDER, Holder, Leases
from app.store.reads import run_read_command
from app.store.segments import DEFINITIONS_REVISION

_NOT_BLOCKED = {"poisonChange": {"$exists": False}}
_IS_RETRY_DUE = {
    "$expr": {"$lte": ["$poisonChange.retryAt", "$$NOW"]},
    "poisonChange": {"$exists": True},
}
_MAX_RETRY_SECONDS = 60
_MAX_ERROR_LENGTH = 1_000
_SIGNING_KEYS_TIMEOUT_SECONDS = 10
_SIGNING_KEYS_POLL_SECONDS = 0.05


class Partitions:
    """The collections partitions, definitionChanges and watermarks.

    A definition change is kept until every partition has backfilled it.
    """

    def __init__(self, database: Database, leases: Leases) -> None:
        self._database = database
        self._collection = database.partitions
        self._definition_changes = database.definitionChanges
        self._watermarks = database[WATERMARKS]
        self._leases = leases

    async def prepare(self) -> None:
        """Creates the partitions at the current position and the current definitions revision.

        They miss nothing: before that, no segment was active.
        """
        if await self._collection.count_documents({}) == PARTITION_COUNT:
            return
        position, now = await self.current_position()
        counter = await self._database.counters.find_one({"_id": DEFINITIONS_REVISION})
        initial_progress = {
            "position": position,
            "positionAt": now,
            "baseRevision": int(counter["revision"]) if counter else 0,
            "targetRevision": None,
            "lastBackfilledId": "",
            **NO_HOLDER,
        }
        writes = [
            UpdateOne({"_id": number}, {"$setOnInsert": initial_progress}, upsert=True)
            for number in range(PARTITION_COUNT)
        ]
        await self._collection.bulk_write(writes, ordered=False)

    async def all(self) -> list[PartitionStatus]:
        rows = self._collection.find().sort("_id", 1)
        return [
            PartitionStatus(row["_id"], _progress(row), row["worker"], _poison_change(row))
            async for row in rows
        ]

    async def positions(self) -> dict[int, str]:
        """The position of each partition. Reads with majority read concern, so that no election
        rolls it back."""
        majority = self._collection.with_options(read_concern=ReadConcern("majority"))
        return {row["_id"]: row["position"] async for row in majority.find({}, {"position": 1})}

    async def count_unheld(self) -> int:
        """How many partitions no live worker holds, blocked ones excluded."""
        query = {**await self._leases.unheld_query(), **_NOT_BLOCKED}
        return int(await self._collection.count_documents(query))

    async def claim(self, holder: Holder, limit: int) -> dict[int, PartitionProgress]:
        """Acquires at most `limit` partitions that no live worker holds, blocked ones excluded.

        Returns the progress of all partitions that the holder then owns; nothing if it acquired
        none.
        """
        return await self._claim(_NOT_BLOCKED, holder, limit)

    async def claim_blocked(self, holder: Holder) -> dict[int, PartitionProgress]:
        """Acquires one blocked partition whose retry is due. Returns like `claim`."""
        return await self._claim(_IS_RETRY_DUE, holder, 1)

    async def _claim(
        self, query: Mapping[str, Any], holder: Holder, limit: int
    ) -> dict[int, PartitionProgress]:
        if not await self._leases.acquire_rows(self._collection, query, holder, limit):
            return {}
        return await self.progress_of(holder.owner)

    async def progress_of(self, owner: str) -> dict[int, PartitionProgress]:
        """The progress of the partitions that the owner holds."""
        rows = self._collection.find({"owner": owner})
        return {row["_id"]: _progress(row) async for row in rows}

    async def require_owner(self, owner: str, numbers: Sequence[int]) -> None:
        """Raises LeaseLost if the owner has lost one of the partitions."""
        query = {"_id": {"$in": list(numbers)}, "owner": owner}
        _require_all_matched(await self._collection.count_documents(query), numbers)

    async def block(self, owner: str, error: PoisonChangeError) -> None:
        """Blocks a partition because of a poison change, and releases it.

        Workers retry it after 1, 2, 4, … seconds, at most one minute.
        """
        tries = {"$ifNull": ["$poisonChange.tries", 0]}
        pause_seconds = {"$min": [{"$pow": [2, {"$min": [tries, 10]}]}, _MAX_RETRY_SECONDS]}
        poison_change = {
            "customerId": error.customer_id,
            "error": {"$literal": str(error)[:_MAX_ERROR_LENGTH]},
            "firstFailedAt": {"$ifNull": ["$poisonChange.firstFailedAt", "$$NOW"]},
            "tries": {"$add": [tries, 1]},
            "retryAt": {"$add": ["$$NOW", {"$multiply": [pause_seconds, 1_000]}]},
        }
        await self._collection.update_one(
            {"_id": error.partition, "owner": owner},
            [{"$set": {**NO_HOLDER, "poisonChange": poison_change}}],
        )

    async def unblock(self, owner: str) -> None:
        """Unblocks the partitions that the owner holds."""
        await self._collection.update_many({"owner": owner}, {"$unset": {"poisonChange": ""}})

    async def release(self, owner: str) -> None:
        await self._leases.release_rows(self._collection, owner)

    async def advance(
        self,
        owner: str,
        progress_by_partition: dict[int, PartitionProgress],
        transaction: AsyncIOMotorClientSession,
    ) -> None:
        """Saves the progress of partitions. Raises LeaseLost if the owner has lost one of them."""
        partitions_by_progress: dict[PartitionProgress, list[int]] = {}
        for number, progress in progress_by_partition.items():
            partitions_by_progress.setdefault(progress, []).append(number)
        for progress, numbers in partitions_by_progress.items():
            result = await self._collection.update_many(
                {"_id": {"$in": numbers}, "owner": owner},
                {"$set": _document(progress)},
                session=transaction,
            )
            _require_all_matched(result.matched_count, numbers)

    async def definition_changes(self, base_revision: int) -> list[DefinitionChange]:
        """The definition changes after a revision, in order, that a worker has recorded so far."""
        rows = self._definition_changes.find({"_id": {"$gt": base_revision}}).sort("_id", 1)
        return [
            DefinitionChange(
                row["_id"], row["position"], row["positionAt"], frozenset(row["gapPartitions"])
            )
            async for row in rows
        ]

    async def add_definition_changes(
        self, definition_changes: Sequence[DefinitionChange], transaction: AsyncIOMotorClientSession
    ) -> None:
        """Records definition changes. The first worker that reaches one sets its position."""
        for definition_change in definition_changes:
            insert = {
                "$setOnInsert": {
                    "position": definition_change.position,
                    "positionAt": definition_change.committed_at,
                    "gapPartitions": [*definition_change.gap_partitions],
                }
            }
            query = {"_id": definition_change.revision}
            await self._definition_changes.update_one(
                query, insert, upsert=True, session=transaction
            )

    async def min_base_revision(self) -> int:
        """The definitions revision that all partitions have reached."""
        row = await self._collection.find_one({}, {"baseRevision": 1}, sort=[("baseRevision", 1)])
        return int(row["baseRevision"]) if row else 0

    async def last_definition_change(self) -> int:
        """The revision of the last definition change that is not backfilled yet; 0 if there is
        none."""
        row = await self._definition_changes.find_one({}, {"_id": 1}, sort=[("_id", -1)])
        return int(row["_id"]) if row else 0

    async def delete_definition_changes(self, revision: int) -> None:
        await self._definition_changes.delete_many({"_id": {"$lte": revision}})

    async def write_watermark(self, worker: str, number: int) -> None:
        """Writes a watermark, which arrives in the worker's change stream."""
        await self._watermarks.update_one(
            {"_id": worker}, {"$set": {"number": number}}, upsert=True
        )

    async def delete_watermark(self, worker: str) -> None:
        await self._watermarks.delete_one({"_id": worker})

    async def now(self) -> datetime:
        """The current time of MongoDB's clock."""
        now: datetime = (await self._hello())["localTime"]
        return now

    async def current_position(self) -> tuple[str, datetime]:
        """The current position of the change stream, and the time of MongoDB's clock.

        A MongoDB with authentication returns no cluster time until it has the keys to sign it,
        which it creates soon after it starts. Raises TimeoutError after 10 seconds without one.
        """
        try:
            async with asyncio.timeout(_SIGNING_KEYS_TIMEOUT_SECONDS):
                while "operationTime" not in (hello := await self._hello()):  # noqa: ASYNC110
                    await asyncio.sleep(_SIGNING_KEYS_POLL_SECONDS)
        except TimeoutError as error:
            raise TimeoutError(
                "it returns no cluster time, as it has no keys to sign it with; wait until its"
                " replica set has a primary"
            ) from error
        return position_of(hello["operationTime"]), hello["localTime"]

    async def _hello(self) -> dict[str, Any]:
        return await run_read_command(self._database, {"hello": 1})


def _require_all_matched(matched: int, numbers: Sequence[int]) -> None:
    if matched != len(numbers):
        raise LeaseLost("Another worker has taken over.")


def _document(progress: PartitionProgress) -> dict[str, Any]:
    return {
        "position": progress.position,
        "positionAt": progress.reached_at,
        "baseRevision": progress.base_revision,
        "targetRevision": progress.target_revision,
        "lastBackfilledId": progress.last_backfilled_id,
    }


def _poison_change(row: dict[str, Any]) -> PoisonChange | None:
    if (stored := row.get("poisonChange")) is None:
        return None
    return PoisonChange(
        row["_id"], stored["customerId"], stored["error"], stored["firstFailedAt"], stored["tries"]
    )


def _progress(row: dict[str, Any]) -> PartitionProgress:
    return PartitionProgress(
        row["position"],
        row["positionAt"],
        row["baseRevision"],
        row["targetRevision"],
        row["lastBackfilledId"],
    )
