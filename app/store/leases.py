"""Leases: the right to do something alone, for as long as the holder lives or for a term.

A lease by presence lies in the row of what it gives the right to: a partition, a checkpoint. It
names its owner, the worker whose presence keeps it, and the session of its transactions. An owner
has a name that was never used before, so that a transaction which finds the name unchanged knows
that nobody held the row meanwhile. A worker that takes over from one that is gone first ends that
one's session: MongoDB would keep what an open transaction has locked for a minute.

A lease for a term lies in the leases collection, or in the row of a job. It is over when its term
is, by MongoDB's clock, whether or not its holder lives.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from motor.motor_asyncio import AsyncIOMotorClientSession, AsyncIOMotorCollection
from pymongo import UpdateOne

from app.backoff import Backoff
from app.store.collections import Database
from app.store.heartbeats import Heartbeats
from app.store.sessions import end_sessions, session_key

# The leases for a term that are not a job's.
LOG_APPEND_LEASE = "transitionLogAppend"
SIZE_COUNT_LEASE = "segmentSizeCount"

_MIN_POLL_SECONDS, _MAX_POLL_SECONDS = 0.004, 0.05

Row = dict[str, Any]

NO_HOLDER: Mapping[str, Any] = {"owner": "", "worker": "", "session": None}


@dataclass(frozen=True, slots=True)
class Holder:
    """The holder of leases by presence; `worker` is the id that is kept present."""

    owner: str
    worker: str
    session: AsyncIOMotorClientSession


class Leases:
    """The rules of both kinds, and the leases collection."""

    def __init__(self, database: Database, heartbeats: Heartbeats) -> None:
        self._database = database
        self._collection = database.leases
        self._heartbeats = heartbeats

    async def prepare(self) -> None:
        expired_lease = {"owner": "", "leaseExpiresAt": datetime.fromtimestamp(0, UTC)}
        for name in (LOG_APPEND_LEASE, SIZE_COUNT_LEASE):
            await self._collection.update_one(
                {"_id": name}, {"$setOnInsert": expired_lease}, upsert=True
            )

    # --- by presence

    async def unheld_query(self) -> Row:
        """The query for rows whose lease no present worker holds."""
        return {"worker": {"$nin": await self._heartbeats.live_ids()}}

    async def acquire_rows(
        self,
        rows: AsyncIOMotorCollection[Row],
        query: Mapping[str, Any],
        holder: Holder,
        limit: int = 1,
    ) -> int:
        """Takes the leases of at most so many rows that match and that no present worker holds.
        Returns how many it took."""
        available = {**query, **await self.unheld_query()}
        candidates = (
            await rows.find(available, {"owner": 1, "session": 1}).limit(limit).to_list(None)
        )
        if not candidates:
            return 0
        await end_sessions(self._database, (row.get("session") for row in candidates))
        holder_session = session_key(holder.session)
        ownership = {
            "$set": {"owner": holder.owner, "worker": holder.worker, "session": holder_session}
        }
        # Another worker may have been faster: then the owner is another.
        writes = [
            UpdateOne({"$and": [query, {"_id": row["_id"], "owner": row["owner"]}]}, ownership)
            for row in candidates
        ]
        return int((await rows.bulk_write(writes, ordered=False)).modified_count)

    async def release_rows(self, rows: AsyncIOMotorCollection[Row], owner: str) -> None:
        """Gives up what the owner holds of the rows."""
        await rows.update_many({"owner": owner}, {"$set": NO_HOLDER})

    # --- for a term

    async def acquire(self, name: str, owner: str, seconds: float) -> bool:
        """Whether the owner holds the lease for so long from now on: its own, or one that is
        over."""
        available = {"_id": name, "$or": [{"owner": owner}, IS_EXPIRED]}
        result = await self._collection.update_one(
            available, [{"$set": lease_fields(owner, seconds)}]
        )
        return bool(result.matched_count)

    async def renew(self, name: str, owner: str, seconds: float) -> None:
        """Lets the lease end so long from now, if it is still the owner's."""
        query = {"_id": name, "owner": owner}
        await self._collection.update_one(query, [{"$set": lease_fields(owner, seconds)}])

    @asynccontextmanager
    async def hold(self, name: str, owner: str, seconds: float) -> AsyncIterator[None]:
        """Waits for the lease, and holds it for so long at most."""
        backoff = Backoff(_MIN_POLL_SECONDS, _MAX_POLL_SECONDS)
        while not await self.acquire(name, owner, seconds):
            await backoff.wait()
        try:
            yield
        finally:
            await self.renew(name, owner, 0)


IS_EXPIRED: Row = {"$expr": {"$lte": ["$leaseExpiresAt", "$$NOW"]}}
"""The query for rows whose term is over, or that have none."""


def lease_fields(owner: str, seconds: float) -> Row:
    """The fields, for the $set of a pipeline, that give a row to an owner for a term."""
    expires_at = {"$add": ["$$NOW", round(seconds * 1_000)]}
    return {"owner": {"$literal": owner}, "leaseExpiresAt": expires_at}
