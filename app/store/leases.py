"""Leases: exclusive rights that a worker holds while it is alive, or for a fixed time.

A lease kept by heartbeats is part of the row that it protects: a partition or a checkpoint. It
names the owner, the worker whose heartbeat keeps it, and the session of the owner's transactions.
An owner's name is never used twice. So a transaction that finds the name unchanged knows that
nobody else held the row in the meantime. A worker that takes over from a dead one first ends its
session: otherwise MongoDB would keep the locks of an open transaction for a minute.

A timed lease is a row of the leases collection, or part of the row of a job. It expires after its
time, by MongoDB's clock, even if its holder is alive. It names the session, too, if its holder runs
transactions that would block others.
"""

from collections import defaultdict
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

# The rows of the leases collection.
LOG_APPEND_LEASE = "transitionLogAppend"
SIZE_COUNT_LEASE = "segmentSizeCount"
DELIVERY_UPKEEP_LEASE = "deliveryUpkeep"

_MIN_POLL_SECONDS = 0.004
_MAX_POLL_SECONDS = 0.05

Row = dict[str, Any]

NO_HOLDER: Mapping[str, Any] = {"owner": "", "worker": "", "session": None}


@dataclass(frozen=True, slots=True)
class Holder:
    """A holder of leases kept by heartbeats; `worker` is the id of the heartbeat."""

    owner: str
    worker: str
    session: AsyncIOMotorClientSession


class Leases:
    """Acquires, renews and releases leases of both kinds."""

    def __init__(self, database: Database, heartbeats: Heartbeats) -> None:
        self._database = database
        self._collection = database.leases
        self._heartbeats = heartbeats
        # The owners whose release has not succeeded yet, by collection.
        self._unreleased: defaultdict[str, set[str]] = defaultdict(set)

    async def prepare(self) -> None:
        expired_lease = {"owner": "", "leaseExpiresAt": datetime.fromtimestamp(0, UTC)}
        for name in (LOG_APPEND_LEASE, SIZE_COUNT_LEASE, DELIVERY_UPKEEP_LEASE):
            await self._collection.update_one(
                {"_id": name}, {"$setOnInsert": expired_lease}, upsert=True
            )

    # --- kept by heartbeats

    async def unheld_query(self) -> Row:
        """The query for rows whose lease no live worker holds."""
        return {"worker": {"$nin": await self._heartbeats.live_ids()}}

    async def acquire_rows(
        self,
        rows: AsyncIOMotorCollection[Row],
        query: Mapping[str, Any],
        holder: Holder,
        limit: int = 1,
    ) -> int:
        """Acquires the leases of at most `limit` rows that match and that no live worker holds.

        Returns how many it acquired.
        """
        await self._release_all(rows)
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
        # If another worker was faster, the owner has changed and the update matches nothing.
        writes = [
            UpdateOne({"$and": [query, {"_id": row["_id"], "owner": row["owner"]}]}, ownership)
            for row in candidates
        ]
        return int((await rows.bulk_write(writes, ordered=False)).modified_count)

    async def release_rows(self, rows: AsyncIOMotorCollection[Row], owner: str) -> None:
        """Releases all rows that the owner holds. If MongoDB fails, the next acquisition does it
        first: the heartbeat of the owner's worker goes on, so nobody could claim these rows."""
        self._unreleased[rows.name].add(owner)
        await self._release_all(rows)

    async def _release_all(self, rows: AsyncIOMotorCollection[Row]) -> None:
        unreleased = self._unreleased[rows.name]
        if owners := [*unreleased]:
            await rows.update_many({"owner": {"$in": owners}}, {"$set": NO_HOLDER})
            unreleased.difference_update(owners)

    # --- timed

    async def acquire(
        self,
        name: str,
        owner: str,
        seconds: float,
        session: AsyncIOMotorClientSession | None = None,
    ) -> bool:
        """Acquires or renews the lease for `seconds` from now.

        `session` is that of the owner's transactions: the next owner ends it, because a killed
        owner may have left a transaction open. Returns False if another owner's lease has not
        expired.
        """
        fields = lease_fields(owner, seconds)
        if session is not None:
            expired = {"_id": name, "owner": {"$ne": owner}, **IS_EXPIRED}
            if row := await self._collection.find_one(expired, {"session": 1}):
                await end_sessions(self._database, [row.get("session")])
            fields["session"] = session_key(session)
        available = {"_id": name, "$or": [{"owner": owner}, IS_EXPIRED]}
        result = await self._collection.update_one(available, [{"$set": fields}])
        return bool(result.matched_count)

    async def renew(self, name: str, owner: str, seconds: float) -> None:
        """Sets the lease to expire `seconds` from now, if the owner still holds it."""
        query = {"_id": name, "owner": owner}
        await self._collection.update_one(query, [{"$set": lease_fields(owner, seconds)}])

    @asynccontextmanager
    async def hold(self, name: str, owner: str, seconds: float) -> AsyncIterator[None]:
        """Waits for the lease and holds it for at most `seconds`; releases it on exit."""
        backoff = Backoff(_MIN_POLL_SECONDS, _MAX_POLL_SECONDS)
        while not await self.acquire(name, owner, seconds):
            await backoff.wait()
        try:
            yield
        finally:
            await self.renew(name, owner, 0)


IS_EXPIRED: Row = {"$expr": {"$lte": ["$leaseExpiresAt", "$$NOW"]}}
"""The query for rows without a timed lease, or with an expired one."""


def lease_fields(owner: str, seconds: float) -> Row:
    """The fields of a timed lease, for `$set` in an update pipeline."""
    expires_at = {"$add": ["$$NOW", round(seconds * 1_000)]}
    return {"owner": {"$literal": owner}, "leaseExpiresAt": expires_at}
