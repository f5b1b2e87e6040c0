"""The partitions of the customers: the progress of each, and the worker that processes it.

A worker holds a partition by a lease kept by heartbeats (see `leases.py`).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from motor.motor_asyncio import AsyncIOMotorClientSession
from pymongo import UpdateOne
from pymongo.read_concern import ReadConcern

from app.domain.engine_status import PartitionStatus
from app.domain.progress import PartitionProgress, PoisonChange
from app.errors import LeaseLost, PoisonChangeError
from app.store.change_stream import PARTITION_COUNT
from app.store.clock import Clock
from app.store.collections import Database
from app.store.leases import NO_HOLDER, Holder, Leases
from app.store.segments import DEFINITIONS_REVISION

_NOT_BLOCKED = {"poisonChange": {"$exists": False}}
_IS_RETRY_DUE = {
    "$expr": {"$lte": ["$poisonChange.retryAt", "$$NOW"]},
    "poisonChange": {"$exists": True},
}
_MAX_RETRY_SECONDS = 60
_MAX_ERROR_LENGTH = 1_000


class Partitions:
    """The partitions collection: one row per partition."""

    def __init__(self, database: Database, leases: Leases, clock: Clock) -> None:
        self._database = database
        self._collection = database.partitions
        self._leases = leases
        self._clock = clock

    async def prepare(self) -> None:
        """Creates the partitions at the current position and the current definitions revision.

        They miss nothing: before that, no segment was active.
        """
        if await self._collection.count_documents({}) == PARTITION_COUNT:
            return
        position, now = await self._clock.position_and_time()
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
            PartitionStatus(row["_id"], as_progress(row), row["worker"], _poison_change(row))
            async for row in rows
        ]

    async def positions(self) -> dict[int, str]:
        """The position of each partition. Reads with majority read concern, so that no election
        rolls it back."""
        majority = self._collection.with_options(read_concern=ReadConcern("majority"))
        return {row["_id"]: row["position"] async for row in majority.find({}, {"position": 1})}

    async def owners(self) -> list[str]:
        """The lease owners of all partitions."""
        return list(await self._collection.distinct("owner"))

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
        return {row["_id"]: as_progress(row) async for row in rows}

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

    async def min_base_revision(self) -> int:
        """The definitions revision that all partitions have reached."""
        row = await self._collection.find_one({}, {"baseRevision": 1}, sort=[("baseRevision", 1)])
        return int(row["baseRevision"]) if row else 0


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


def as_progress(row: dict[str, Any]) -> PartitionProgress:
    return PartitionProgress(
        row["position"],
        row["positionAt"],
        row["baseRevision"],
        row["targetRevision"],
        row["lastBackfilledId"],
    )
