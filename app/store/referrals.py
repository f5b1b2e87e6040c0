"""Referrals, and how many referees each referrer has."""

from typing import Any

from bson import ObjectId
from motor.motor_asyncio import AsyncIOMotorClientSession
from pymongo import ReturnDocument

from app.domain.ids import EntityKind
from app.store.collections import Database
from app.store.ids import to_object_id


class Referrals:
    """The collections referrals (one row per program and referee) and referralCounts (one row per
    program and referrer)."""

    def __init__(self, database: Database) -> None:
        self._referrals = database.referrals
        self._counts = database.referralCounts

    async def is_referred(
        self, program_id: str, referee_id: str, transaction: AsyncIOMotorClientSession
    ) -> bool:
        """Whether somebody referred the customer in the program."""
        query = {"_id": _key(program_id, "referee", referee_id)}
        row = await self._referrals.find_one(query, {"_id": 1}, session=transaction)
        return row is not None

    async def count(
        self, program_id: str, referrer_id: str, transaction: AsyncIOMotorClientSession
    ) -> int:
        """Returns how many referees the referrer has, deleted customers included."""
        query = {"_id": _key(program_id, "referrer", referrer_id)}
        row = await self._counts.find_one(query, session=transaction)
        return int(row["count"]) if row else 0

    async def add(
        self,
        program_id: str,
        referrer_id: str,
        referee_id: str,
        transaction: AsyncIOMotorClientSession,
    ) -> int:
        """Adds a referral of a customer whom nobody has referred in the program. Returns how many
        referees the referrer has then. Transactions that add one of the same referrer conflict, so
        each of them returns another number."""
        row = {
            "_id": _key(program_id, "referee", referee_id),
            "referrer": to_object_id(EntityKind.CUSTOMER, referrer_id),
        }
        await self._referrals.insert_one(row, session=transaction)
        count = await self._counts.find_one_and_update(
            {"_id": _key(program_id, "referrer", referrer_id)},
            {"$inc": {"count": 1}},
            upsert=True,
            return_document=ReturnDocument.AFTER,
            session=transaction,
        )
        return int(count["count"])


def _key(program_id: str, role: str, customer_id: str) -> dict[str, ObjectId | Any]:
    return {
        "program": to_object_id(EntityKind.REFERRAL_PROGRAM, program_id),
        role: to_object_id(EntityKind.CUSTOMER, customer_id),
    }
