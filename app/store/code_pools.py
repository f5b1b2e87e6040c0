"""Code pools and their codes.

The codes of a pool are numbered from 0 without gaps, and claimed in that order. So two numbers tell
which codes are left: how many the pool has, and how many are claimed. Counting and claiming read no
other codes than those claimed. The number of claimed codes has a row of its own, so that adding
codes and claiming them do not conflict.

The row of a pool also holds the state of the job that generates its codes: the pattern, how many
are left to generate, the job's timed lease, and the session of its transactions.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bson import ObjectId
from motor.motor_asyncio import AsyncIOMotorClientSession
from pymongo import ReturnDocument

from app.domain.codes import CodePattern, CodePool
from app.domain.ids import EntityKind
from app.store.collections import Database
from app.store.ids import to_object_id, to_object_ids, to_public_id
from app.store.leases import IS_EXPIRED, lease_fields
from app.store.sessions import end_sessions, session_key

CODE_POOLS_REVISION = "codePools"
"""Transactions that add a pool conflict, so that the limit of pools holds."""

_LEASE_SECONDS = 20.0
_IS_GENERATING: dict[str, Any] = {"generatingCount": {"$gt": 0}}


class CodePools:
    """The collections codePools, codeClaims (per pool, the number of claimed codes) and codes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._pools = database.codePools
        self._claims = database.codeClaims
        self._codes = database.codes

    # --- pools

    async def all(self) -> list[CodePool]:
        """All pools, in the order of their creation."""
        return await self._find_pools({})

    async def get(
        self, id_: str, transaction: AsyncIOMotorClientSession | None = None
    ) -> CodePool | None:
        return next(iter((await self.get_many([id_], transaction)).values()), None)

    async def get_many(
        self, ids: Iterable[str], transaction: AsyncIOMotorClientSession | None = None
    ) -> dict[str, CodePool]:
        """Returns, by id, the pools that exist."""
        query = {"_id": {"$in": to_object_ids(EntityKind.CODE_POOL, ids)}}
        return {pool.id: pool for pool in await self._find_pools(query, transaction)}

    async def _find_pools(
        self, query: Mapping[str, Any], transaction: AsyncIOMotorClientSession | None = None
    ) -> list[CodePool]:
        # One command, so that no more codes appear claimed than there are.
        claims = {"from": "codeClaims", "localField": "_id", "foreignField": "_id", "as": "claims"}
        stages: list[dict[str, Any]] = [
            {"$match": query},
            {"$sort": {"_id": 1}},
            {"$lookup": claims},
        ]
        return [_pool(row) async for row in self._pools.aggregate(stages, session=transaction)]

    async def is_generating(self, id_: str, transaction: AsyncIOMotorClientSession) -> bool:
        """Whether a job has yet to generate codes of the pool."""
        query = {"_id": to_object_id(EntityKind.CODE_POOL, id_), **_IS_GENERATING}
        return await self._pools.find_one(query, {"_id": 1}, session=transaction) is not None

    async def count(self, transaction: AsyncIOMotorClientSession) -> int:
        return int(await self._pools.count_documents({}, session=transaction))

    async def add(self, pool: CodePool, transaction: AsyncIOMotorClientSession) -> None:
        """Adds a pool without codes."""
        key = to_object_id(EntityKind.CODE_POOL, pool.id)
        row = {"_id": key, "name": pool.name, "createdAt": pool.created_at, "totalCount": 0}
        await self._pools.insert_one(row, session=transaction)
        await self._claims.insert_one({"_id": key, "claimedCount": 0}, session=transaction)

    async def delete(self, id_: str, transaction: AsyncIOMotorClientSession) -> None:
        """Deletes the pool. Its codes stay until the sweeper removes them."""
        query = {"_id": to_object_id(EntityKind.CODE_POOL, id_)}
        await self._pools.delete_one(query, session=transaction)
        await self._claims.delete_one(query, session=transaction)

    # --- codes

    async def claim(
        self, pool_id: str, count: int, transaction: AsyncIOMotorClientSession
    ) -> list[str]:
        """Claims at most `count` codes, in the pool's order, and returns them.

        Returns fewer if the pool runs out, and none if it does not exist. Transactions that claim
        from the same pool conflict: claim late in a transaction, and name `claim_key(pool_id)`.
        """
        key = to_object_id(EntityKind.CODE_POOL, pool_id)
        pool = await self._pools.find_one({"_id": key}, {"totalCount": 1}, session=transaction)
        if pool is None:
            return []
        total_count = int(pool["totalCount"])
        claimed_count = {"$min": [{"$add": ["$claimedCount", count]}, total_count]}
        before = await self._claims.find_one_and_update(
            {"_id": key, "claimedCount": {"$lt": total_count}},
            [{"$set": {"claimedCount": claimed_count}}],
            return_document=ReturnDocument.BEFORE,
            session=transaction,
        )
        if before is None:
            return []
        first = int(before["claimedCount"])
        numbers = {
            "$gte": _code_key(key, first),
            "$lt": _code_key(key, min(first + count, total_count)),
        }
        cursor = self._codes.find({"_id": numbers}, session=transaction).sort("_id", 1)
        return [row["code"] async for row in cursor.batch_size(count + 1)]

    async def reserve(
        self, pool_id: str, count: int, transaction: AsyncIOMotorClientSession
    ) -> int | None:
        """Adds `count` to the number of codes and returns the number of the first of them. From
        here on, other transactions that add codes to the pool conflict.

        Returns None if the pool does not exist or its codes are still being generated.
        """
        return await self._reserve(
            pool_id, count, {"generatingCount": {"$in": [None, 0]}}, {}, transaction
        )

    async def reserve_generated(
        self, pool_id: str, owner: str, count: int, transaction: AsyncIOMotorClientSession
    ) -> int | None:
        """Like `reserve`, for codes that the owner of the generation adds; renews its lease.
        Returns None if the pool was deleted or the owner has lost the lease."""
        update = {"generatingCount": {"$subtract": ["$generatingCount", count]}}
        update |= lease_fields(owner, _LEASE_SECONDS)
        return await self._reserve(pool_id, count, {"owner": owner}, update, transaction)

    async def _reserve(
        self,
        pool_id: str,
        count: int,
        condition: Mapping[str, Any],
        update: Mapping[str, Any],
        transaction: AsyncIOMotorClientSession,
    ) -> int | None:
        before = await self._pools.find_one_and_update(
            {"_id": to_object_id(EntityKind.CODE_POOL, pool_id), **condition},
            [{"$set": {"totalCount": {"$add": ["$totalCount", count]}, **update}}],
            return_document=ReturnDocument.BEFORE,
            session=transaction,
        )
        return None if before is None else int(before["totalCount"])

    async def existing_codes(
        self, pool_id: str, codes: Sequence[str], transaction: AsyncIOMotorClientSession
    ) -> set[str]:
        """Returns those of the codes that the pool has, claimed or not."""
        query = {
            "_id.pool": to_object_id(EntityKind.CODE_POOL, pool_id),
            "code": {"$in": list(codes)},
        }
        cursor = self._codes.find(query, {"code": 1}, session=transaction)
        return {row["code"] async for row in cursor.batch_size(len(codes) + 1)}

    async def insert(
        self,
        pool_id: str,
        first: int,
        codes: Sequence[str],
        transaction: AsyncIOMotorClientSession,
    ) -> None:
        """Inserts codes that the pool does not have, numbered from `first` on."""
        key = to_object_id(EntityKind.CODE_POOL, pool_id)
        rows = [
            {"_id": _code_key(key, number), "code": code}
            for number, code in enumerate(codes, first)
        ]
        if rows:
            await self._codes.insert_many(rows, session=transaction)

    # --- generation

    async def start_generation(
        self,
        pool_id: str,
        pattern: CodePattern,
        count: int,
        transaction: AsyncIOMotorClientSession,
    ) -> None:
        """Stores that a job has to generate `count` codes."""
        await self._pools.update_one(
            {"_id": to_object_id(EntityKind.CODE_POOL, pool_id)},
            {"$set": {"pattern": pattern.text, "generatingCount": count}},
            session=transaction,
        )

    async def acquire_generation(
        self, pool_id: str, owner: str, session: AsyncIOMotorClientSession
    ) -> tuple[CodePattern, int] | None:
        """Acquires the generation's lease for an owner who adds codes in transactions of `session`;
        returns the pattern and how many codes are left.

        Returns None if there is nothing to generate, or if another owner does it.
        """
        available = {
            "_id": to_object_id(EntityKind.CODE_POOL, pool_id),
            **_IS_GENERATING,
            **IS_EXPIRED,
        }
        candidate = await self._pools.find_one(available, {"session": 1})
        if candidate is None:
            return None
        # A killed owner may have left a transaction open, which locks the pool.
        await end_sessions(self._database, [candidate.get("session")])
        lease = {**lease_fields(owner, _LEASE_SECONDS), "session": session_key(session)}
        row = await self._pools.find_one_and_update(
            available, [{"$set": lease}], return_document=ReturnDocument.AFTER
        )
        return None if row is None else (CodePattern(row["pattern"]), int(row["generatingCount"]))

    async def release_generation(self, pool_id: str, owner: str) -> None:
        await self._pools.update_one(
            {"_id": to_object_id(EntityKind.CODE_POOL, pool_id), "owner": owner},
            {"$unset": {"owner": "", "leaseExpiresAt": "", "session": ""}},
        )

    async def unattended_generations(self) -> list[str]:
        """The ids of the pools with codes to generate and without an owner."""
        cursor = self._pools.find({**_IS_GENERATING, **IS_EXPIRED}, {"_id": 1})
        return [to_public_id(EntityKind.CODE_POOL, row["_id"]) async for row in cursor]


def claim_key(pool_id: str) -> str:
    """The key of a pool's claims, for `Store.transaction(keys=…)`."""
    return f"claims of {pool_id}"


def _code_key(pool_key: ObjectId | None, number: int) -> dict[str, Any]:
    return {"pool": pool_key, "n": number}


def _pool(row: Mapping[str, Any]) -> CodePool:
    (claim,) = row["claims"]
    return CodePool(
        id=to_public_id(EntityKind.CODE_POOL, row["_id"]),
        name=row["name"],
        created_at=row["createdAt"],
        total_count=row["totalCount"],
        claimed_count=claim["claimedCount"],
        generating_count=row.get("generatingCount", 0),
    )
