"""Referral programs. Deleted ones stay, because rewards refer to them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from motor.motor_asyncio import AsyncIOMotorClientSession

from app.domain.ids import EntityKind
from app.domain.log_interval import LogInterval
from app.domain.referrals import CodeReward, PointsReward, ReferralProgram, ReferralTier, Reward
from app.store.collections import Database
from app.store.ids import to_object_id, to_object_ids, to_public_id
from app.store.log_intervals import applies_after


class ReferralPrograms:
    """The referralPrograms collection: one row per program, with its tiers."""

    def __init__(self, database: Database) -> None:
        self._collection = database.referralPrograms

    async def get_many(
        self, ids: Iterable[str], transaction: AsyncIOMotorClientSession
    ) -> dict[str, ReferralProgram]:
        """Returns the programs by id, deleted ones included."""
        query = {"_id": {"$in": to_object_ids(EntityKind.REFERRAL_PROGRAM, ids)}}
        cursor = self._collection.find(query, session=transaction)
        programs = [as_program(row) async for row in cursor]
        return {program.id: program for program in programs}

    async def segments_used_after(
        self, transaction: AsyncIOMotorClientSession, sequence: int
    ) -> list[str]:
        """The segments of the programs that apply to some of the log after a sequence."""
        segment_keys = await self._collection.distinct(
            "tiers.segmentId", applies_after(sequence), session=transaction
        )
        return [to_public_id(EntityKind.SEGMENT, key) for key in segment_keys if key]

    async def in_force_since(
        self,
        segment_ids: Sequence[str],
        first_sequence: int,
        transaction: AsyncIOMotorClientSession,
    ) -> list[ReferralProgram]:
        """The programs with a tier on one of the segments that apply to some of the log from
        `first_sequence` on."""
        query = {
            "tiers.segmentId": {"$in": to_object_ids(EntityKind.SEGMENT, segment_ids)},
            **applies_after(first_sequence - 1),
        }
        cursor = self._collection.find(query, session=transaction).sort("_id", 1)
        return [as_program(row) async for row in cursor]

    async def code_pool_ids(self) -> set[str]:
        """The ids of the code pools that tiers use."""
        keys = await self._collection.distinct("tiers.reward.poolId", {"untilSequence": None})
        return {to_public_id(EntityKind.CODE_POOL, key) for key in keys}

    async def add(
        self, program: ReferralProgram, revision: int, transaction: AsyncIOMotorClientSession
    ) -> None:
        """Adds the program; `revision` is the definitions revision of this transaction."""
        row = {**_document(program), "revision": revision}
        await self._collection.insert_one(row, session=transaction)

    async def end(
        self, id_: str, until_sequence: int, revision: int, transaction: AsyncIOMotorClientSession
    ) -> None:
        """Ends the program after `until_sequence`; `revision` is the definitions revision of this
        transaction."""
        query = {"_id": to_object_id(EntityKind.REFERRAL_PROGRAM, id_)}
        update = {"$set": {"untilSequence": until_sequence, "revision": revision}}
        await self._collection.update_one(query, update, session=transaction)


def _document(program: ReferralProgram) -> dict[str, Any]:
    return {
        "_id": to_object_id(EntityKind.REFERRAL_PROGRAM, program.id),
        "name": program.name,
        "tiers": [_tier_document(tier) for tier in program.tiers],
        "createdAt": program.created_at,
        "sinceSequence": program.log_interval.after_sequence,
        "untilSequence": program.log_interval.through_sequence,
    }


def _tier_document(tier: ReferralTier) -> dict[str, Any]:
    row = {
        "id": to_object_id(EntityKind.REFERRAL_TIER, tier.id),
        "name": tier.name,
        "minReferrals": tier.min_referrals,
        "reward": _reward_document(tier.reward),
    }
    if tier.segment_id is not None:
        row["segmentId"] = to_object_id(EntityKind.SEGMENT, tier.segment_id)
    return row


def _reward_document(reward: Reward) -> dict[str, Any]:
    if isinstance(reward, CodeReward):
        return {"poolId": to_object_id(EntityKind.CODE_POOL, reward.pool_id)}
    program_key = to_object_id(EntityKind.LOYALTY_PROGRAM, reward.loyalty_program_id)
    return {"loyaltyProgramId": program_key, "points": reward.points}


def as_program(row: Mapping[str, Any]) -> ReferralProgram:
    id_ = to_public_id(EntityKind.REFERRAL_PROGRAM, row["_id"])
    return ReferralProgram(
        id=id_,
        name=row["name"],
        tiers=tuple(_tier(id_, tier_row) for tier_row in row["tiers"]),
        created_at=row["createdAt"],
        log_interval=LogInterval(row["sinceSequence"], row["untilSequence"]),
    )


def _tier(program_id: str, row: Mapping[str, Any]) -> ReferralTier:
    segment_key = row.get("segmentId")
    return ReferralTier(
        id=to_public_id(EntityKind.REFERRAL_TIER, row["id"]),
        program_id=program_id,
        name=row["name"],
        min_referrals=row["minReferrals"],
        reward=_reward(row["reward"]),
        segment_id=None if segment_key is None else to_public_id(EntityKind.SEGMENT, segment_key),
    )


def _reward(row: Mapping[str, Any]) -> Reward:
    if "poolId" in row:
        return CodeReward(to_public_id(EntityKind.CODE_POOL, row["poolId"]))
    program_id = to_public_id(EntityKind.LOYALTY_PROGRAM, row["loyaltyProgramId"])
    return PointsReward(program_id, row["points"])
