"""The rewards of referrers: one row per tier and referrer."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from motor.motor_asyncio import AsyncIOMotorClientSession
from pymongo import ReplaceOne

from app.domain.ids import EntityKind
from app.domain.referrals import ReferralReward, RewardState
from app.store.collections import Database
from app.store.ids import to_object_id, to_public_id

RewardKey = tuple[str, str]
"""The ids of the tier and of the referrer."""


class ReferralRewards:
    """The referralRewards collection."""

    def __init__(self, database: Database) -> None:
        self._collection = database.referralRewards

    async def get_many(
        self, keys: Iterable[RewardKey], transaction: AsyncIOMotorClientSession
    ) -> list[ReferralReward]:
        """Returns the rewards that exist."""
        query = {"_id": {"$in": [_key(*key) for key in keys]}}
        cursor = self._collection.find(query, session=transaction)
        return [_reward(row) async for row in cursor]

    async def save(
        self, rewards: Sequence[ReferralReward], transaction: AsyncIOMotorClientSession
    ) -> None:
        """Adds or replaces the rewards. Transactions that save the same reward conflict."""
        documents = [_document(reward) for reward in rewards]
        writes = [
            ReplaceOne({"_id": document["_id"]}, document, upsert=True) for document in documents
        ]
        if writes:
            await self._collection.bulk_write(writes, ordered=False, session=transaction)

    async def due_checks(self, now: datetime, limit: int) -> list[ReferralReward]:
        """At most `limit` rewards whose check is due, in the order of their checks."""
        cursor = self._collection.find({"checkAt": {"$lte": now}}).sort("checkAt", 1).limit(limit)
        return [_reward(row) async for row in cursor]

    async def postpone_check(self, reward: ReferralReward, check_at: datetime) -> None:
        """Sets the next check of the reward, if it still has one."""
        query = {"_id": _key(reward.tier_id, reward.customer_id), "checkAt": {"$exists": True}}
        await self._collection.update_one(query, {"$set": {"checkAt": check_at}})

    async def pools_waited_for(self) -> list[str]:
        """The pools that have run out and that rewards wait for."""
        keys = await self._collection.distinct("waitingPoolId", {"waitingPoolId": {"$exists": 1}})
        return [to_public_id(EntityKind.CODE_POOL, key) for key in keys]

    async def waiting_for(
        self, pool_id: str, limit: int, transaction: AsyncIOMotorClientSession
    ) -> list[ReferralReward]:
        """At most `limit` rewards that wait for a code of the pool, the oldest first."""
        query = {"waitingPoolId": to_object_id(EntityKind.CODE_POOL, pool_id)}
        cursor = self._collection.find(query, session=transaction)
        return [_reward(row) async for row in cursor.sort("reachedAt", 1).limit(limit)]

    async def find_by_code(self, code: str, limit: int) -> list[ReferralReward]:
        """Returns at most `limit` rewards with the code, newest first."""
        cursor = self._collection.find({"code": code}).sort("givenAt", -1).limit(limit)
        return [_reward(row) async for row in cursor]


def _key(tier_id: str, customer_id: str) -> dict[str, Any]:
    return {
        "tier": to_object_id(EntityKind.REFERRAL_TIER, tier_id),
        "referrer": to_object_id(EntityKind.CUSTOMER, customer_id),
    }


def _document(reward: ReferralReward) -> dict[str, Any]:
    document = {
        "_id": _key(reward.tier_id, reward.customer_id),
        "programId": to_object_id(EntityKind.REFERRAL_PROGRAM, reward.program_id),
        "state": reward.state.value,
        "reachedAt": reward.reached_at,
        "afterSequence": reward.after_sequence,
        "checkAt": reward.check_at,
        "code": reward.code,
        "givenAt": reward.given_at,
    }
    if reward.waiting_pool_id is not None:
        document["waitingPoolId"] = to_object_id(EntityKind.CODE_POOL, reward.waiting_pool_id)
    # The partial indexes contain only the rewards that have the field.
    return {key: value for key, value in document.items() if value is not None}


def _reward(row: Mapping[str, Any]) -> ReferralReward:
    pool_key = row.get("waitingPoolId")
    return ReferralReward(
        tier_id=to_public_id(EntityKind.REFERRAL_TIER, row["_id"]["tier"]),
        program_id=to_public_id(EntityKind.REFERRAL_PROGRAM, row["programId"]),
        customer_id=to_public_id(EntityKind.CUSTOMER, row["_id"]["referrer"]),
        reached_at=row["reachedAt"],
        after_sequence=row["afterSequence"],
        state=RewardState(row["state"]),
        check_at=row.get("checkAt"),
        waiting_pool_id=None if pool_key is None else to_public_id(EntityKind.CODE_POOL, pool_key),
        code=row.get("code"),
        given_at=row.get("givenAt"),
    )
