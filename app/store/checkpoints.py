"""The checkpoint of each consumer of the transition log, and the lease on it."""

from collections.abc import Mapping
from typing import Any

from motor.motor_asyncio import AsyncIOMotorClientSession

from app.domain.consumers import Checkpoint, Consumer
from app.errors import LeaseLost
from app.store.collections import Database
from app.store.leases import NO_HOLDER, Holder, Leases
from app.store.recorded_failures import as_failure, failure_fields
from app.store.transitions import Transitions


class Checkpoints:
    """The checkpoints collection: one row per consumer, with the last sequence that it handled."""

    def __init__(self, database: Database, leases: Leases, transitions: Transitions) -> None:
        self._collection = database.checkpoints
        self._leases = leases
        self._transitions = transitions

    async def prepare(self) -> None:
        """Creates the checkpoints of new consumers at the end of the log.

        Every process does this before it serves requests. So everything that a consumer depends
        on, such as an earning rule, is created after its checkpoint.
        """
        end = await self._transitions.last_sequence()
        for consumer in Consumer:
            row = {"$setOnInsert": {"sequence": end, "lockVersion": 0, **NO_HOLDER}}
            await self._collection.update_one({"_id": consumer.value}, row, upsert=True)

    async def get(
        self, consumer: Consumer, transaction: AsyncIOMotorClientSession | None = None
    ) -> int:
        """The last sequence that the consumer handled. Raises LeaseLost if the row was deleted."""
        row = await self._collection.find_one({"_id": consumer.value}, session=transaction)
        if row is None:
            raise LeaseLost(f"The checkpoint of {consumer.value} has been deleted.")
        return int(row["sequence"])

    async def all(self) -> list[Checkpoint]:
        rows = self._collection.find({"_id": {"$in": [consumer.value for consumer in Consumer]}})
        return [_checkpoint(row) async for row in rows.sort("_id", 1)]

    async def min_sequence(self) -> int:
        """The last sequence that all consumers have handled."""
        return min((checkpoint.sequence for checkpoint in await self.all()), default=0)

    async def claim(self, consumer: Consumer, holder: Holder) -> bool:
        """Acquires the consumer's lease. Returns False if a live worker holds it."""
        query = {"_id": consumer.value}
        return bool(await self._leases.acquire_rows(self._collection, query, holder))

    async def release(self, owner: str) -> None:
        await self._leases.release_rows(self._collection, owner)

    async def advance(
        self,
        consumer: Consumer,
        owner: str,
        from_sequence: int,
        to_sequence: int,
        transaction: AsyncIOMotorClientSession,
    ) -> None:
        """Moves the checkpoint forward. Raises LeaseLost if `owner` no longer holds it.

        Call this last in a transaction, so that other transactions that lock the checkpoint wait
        only briefly.
        """
        result = await self._collection.update_one(
            {"_id": consumer.value, "owner": owner, "sequence": from_sequence},
            {"$set": {"sequence": to_sequence}, "$unset": {"failure": ""}},
            session=transaction,
        )
        if not result.matched_count:
            raise LeaseLost(f"Another worker has taken over the consumer {consumer.value}.")

    async def lock(self, consumer: Consumer, transaction: AsyncIOMotorClientSession) -> None:
        """Locks the checkpoint until the transaction ends.

        A batch of the consumer with an older snapshot then conflicts and can't commit.
        """
        query = {"_id": consumer.value}
        await self._collection.update_one(query, {"$inc": {"lockVersion": 1}}, session=transaction)

    async def save_failure(self, consumer: Consumer, error: str) -> None:
        """Records the error that stops the consumer. The next `advance` clears it."""
        query = {"_id": consumer.value}
        update = [{"$set": {"failure": failure_fields(error)}}]
        await self._collection.update_one(query, update)

    async def clear_failure(self, consumer: Consumer) -> None:
        """Deletes the recorded failure."""
        await self._collection.update_one({"_id": consumer.value}, {"$unset": {"failure": ""}})


def _checkpoint(row: Mapping[str, Any]) -> Checkpoint:
    failure = row.get("failure")
    return Checkpoint(
        Consumer(row["_id"]),
        int(row["sequence"]),
        as_failure(failure) if failure else None,
    )
