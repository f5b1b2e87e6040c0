"""Loyalty programs and earning rules. What is deleted stays, for what still refers to it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from motor.motor_asyncio import AsyncIOMotorClientSession

from app.domain.ids import Kind
from app.domain.log_interval import LogInterval
from app.domain.loyalty import EarningRule, Fixed, LoyaltyProgram, Points, Proportional
from app.store.collections import Database
from app.store.ids import key, keys, public


class LoyaltyPrograms:
    """The loyaltyPrograms collection."""

    def __init__(self, database: Database) -> None:
        self._collection = database.loyaltyPrograms

    async def all(self) -> list[LoyaltyProgram]:
        found = self._collection.find({"deleted": None}).sort("_id", 1)
        return [_program(row) async for row in found]

    async def get(
        self, id_: str, transaction: AsyncIOMotorClientSession | None = None
    ) -> LoyaltyProgram | None:
        query = {"_id": key(Kind.LOYALTY_PROGRAM, id_), "deleted": None}
        found = await self._collection.find_one(query, session=transaction)
        return None if found is None else _program(found)

    async def named(self, ids: Iterable[str]) -> dict[str, LoyaltyProgram]:
        """Those of the programs that are there, or were."""
        found = self._collection.find({"_id": {"$in": keys(Kind.LOYALTY_PROGRAM, ids)}})
        programs = [_program(row) async for row in found]
        return {program.id: program for program in programs}

    async def count(self, transaction: AsyncIOMotorClientSession) -> int:
        return int(await self._collection.count_documents({"deleted": None}, session=transaction))

    async def add(self, program: LoyaltyProgram, transaction: AsyncIOMotorClientSession) -> None:
        row = {
            "_id": key(Kind.LOYALTY_PROGRAM, program.id),
            "name": program.name,
            "createdAt": program.created_at,
        }
        await self._collection.insert_one(row, session=transaction)

    async def delete(self, id_: str, transaction: AsyncIOMotorClientSession) -> None:
        query = {"_id": key(Kind.LOYALTY_PROGRAM, id_)}
        await self._collection.update_one(query, {"$set": {"deleted": True}}, session=transaction)


class EarningRules:
    """The earningRules collection."""

    def __init__(self, database: Database) -> None:
        self._collection = database.earningRules

    async def rewarding(
        self, segment_ids: Sequence[str], first: int, transaction: AsyncIOMotorClientSession
    ) -> list[EarningRule]:
        """The segments' rules that cover something of the log from the sequence `first` on."""
        query = {
            "segmentId": {"$in": keys(Kind.SEGMENT, segment_ids)},
            "$or": [{"until": None}, {"until": {"$gte": first}}],
        }
        found = self._collection.find(query, session=transaction).sort("_id", 1)
        return [as_rule(row) async for row in found]

    async def add(
        self, rule: EarningRule, revision: int, transaction: AsyncIOMotorClientSession
    ) -> None:
        """Adds the rule; `revision` is the one that the transaction makes."""
        row = {**_document(rule), "revision": revision}
        await self._collection.insert_one(row, session=transaction)

    async def end(
        self, id_: str, until: int, revision: int, transaction: AsyncIOMotorClientSession
    ) -> None:
        """Ends the rule at a sequence; `revision` is the one that the transaction makes."""
        query = {"_id": key(Kind.EARNING_RULE, id_)}
        ended = {"$set": {"until": until, "revision": revision}}
        await self._collection.update_one(query, ended, session=transaction)


def _program(row: Mapping[str, Any]) -> LoyaltyProgram:
    id_ = public(Kind.LOYALTY_PROGRAM, row["_id"])
    return LoyaltyProgram(id_, row["name"], row["createdAt"])


def _document(rule: EarningRule) -> dict[str, Any]:
    return {
        "_id": key(Kind.EARNING_RULE, rule.id),
        "name": rule.name,
        "programId": key(Kind.LOYALTY_PROGRAM, rule.program_id),
        "segmentId": key(Kind.SEGMENT, rule.segment_id),
        "points": _points_document(rule.points),
        "createdAt": rule.created_at,
        "since": rule.interval.since,
        "until": rule.interval.until,
        "activeFrom": rule.active_from,
        "activeUntil": rule.active_until,
        "maxPerCustomer": rule.max_per_customer,
    }


def as_rule(row: Mapping[str, Any]) -> EarningRule:
    return EarningRule(
        id=public(Kind.EARNING_RULE, row["_id"]),
        name=row["name"],
        program_id=public(Kind.LOYALTY_PROGRAM, row["programId"]),
        segment_id=public(Kind.SEGMENT, row["segmentId"]),
        points=_points(row["points"]),
        created_at=row["createdAt"],
        interval=LogInterval(row["since"], row["until"]),
        active_from=row["activeFrom"],
        active_until=row["activeUntil"],
        max_per_customer=row["maxPerCustomer"],
    )


def _points_document(points: Points) -> dict[str, Any]:
    if isinstance(points, Fixed):
        return {"fixed": points.points}
    return {"path": points.path, "every": points.every, "points": points.points}


def _points(row: Mapping[str, Any]) -> Points:
    if "fixed" in row:
        return Fixed(row["fixed"])
    return Proportional(row["path"], row["every"], row["points"])
