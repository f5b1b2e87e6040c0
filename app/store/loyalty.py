"""Loyalty programs and earning rules. Deleted ones stay, because ledger entries refer to them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from motor.motor_asyncio import AsyncIOMotorClientSession

from app.domain.ids import EntityKind
from app.domain.log_interval import LogInterval
from app.domain.loyalty import (
    EarningRule,
    FixedPoints,
    LoyaltyProgram,
    PointsFormula,
    ProportionalPoints,
)
from app.store.collections import Database
from app.store.ids import to_object_id, to_object_ids, to_public_id
from app.store.log_intervals import applies_after


class LoyaltyPrograms:
    """The loyaltyPrograms collection."""

    def __init__(self, database: Database) -> None:
        self._collection = database.loyaltyPrograms

    async def all(self) -> list[LoyaltyProgram]:
        cursor = self._collection.find({"deleted": None}).sort("_id", 1)
        return [_program(row) async for row in cursor]

    async def get(
        self, id_: str, transaction: AsyncIOMotorClientSession | None = None
    ) -> LoyaltyProgram | None:
        query = {"_id": to_object_id(EntityKind.LOYALTY_PROGRAM, id_), "deleted": None}
        row = await self._collection.find_one(query, session=transaction)
        return None if row is None else _program(row)

    async def get_many(self, ids: Iterable[str]) -> dict[str, LoyaltyProgram]:
        """Returns the programs by id, deleted ones included."""
        cursor = self._collection.find(
            {"_id": {"$in": to_object_ids(EntityKind.LOYALTY_PROGRAM, ids)}}
        )
        programs = [_program(row) async for row in cursor]
        return {program.id: program for program in programs}

    async def count(self, transaction: AsyncIOMotorClientSession) -> int:
        return int(await self._collection.count_documents({"deleted": None}, session=transaction))

    async def add(self, program: LoyaltyProgram, transaction: AsyncIOMotorClientSession) -> None:
        row = {
            "_id": to_object_id(EntityKind.LOYALTY_PROGRAM, program.id),
            "name": program.name,
            "createdAt": program.created_at,
        }
        await self._collection.insert_one(row, session=transaction)

    async def delete(self, id_: str, transaction: AsyncIOMotorClientSession) -> None:
        query = {"_id": to_object_id(EntityKind.LOYALTY_PROGRAM, id_)}
        await self._collection.update_one(query, {"$set": {"deleted": True}}, session=transaction)


class EarningRules:
    """The earningRules collection."""

    def __init__(self, database: Database) -> None:
        self._collection = database.earningRules

    async def segments_used_after(
        self, transaction: AsyncIOMotorClientSession, sequence: int
    ) -> list[str]:
        """The segments of the rules that apply to some of the log after a sequence."""
        segment_keys = await self._collection.distinct(
            "segmentId", applies_after(sequence), session=transaction
        )
        return [to_public_id(EntityKind.SEGMENT, key) for key in segment_keys if key]

    async def in_force_since(
        self,
        segment_ids: Sequence[str],
        first_sequence: int,
        transaction: AsyncIOMotorClientSession,
    ) -> list[EarningRule]:
        """The segments' rules that apply to some of the log from `first_sequence` on."""
        query = {
            "segmentId": {"$in": to_object_ids(EntityKind.SEGMENT, segment_ids)},
            **applies_after(first_sequence - 1),
        }
        cursor = self._collection.find(query, session=transaction).sort("_id", 1)
        return [as_rule(row) async for row in cursor]

    async def add(
        self, rule: EarningRule, revision: int, transaction: AsyncIOMotorClientSession
    ) -> None:
        """Adds the rule; `revision` is the definitions revision of this transaction."""
        row = {**_document(rule), "revision": revision}
        await self._collection.insert_one(row, session=transaction)

    async def end(
        self, id_: str, until_sequence: int, revision: int, transaction: AsyncIOMotorClientSession
    ) -> None:
        """Ends the rule after `until_sequence`; `revision` is the definitions revision of this
        transaction."""
        query = {"_id": to_object_id(EntityKind.EARNING_RULE, id_)}
        update = {"$set": {"untilSequence": until_sequence, "revision": revision}}
        await self._collection.update_one(query, update, session=transaction)

    async def save_disabled_intervals(
        self, rule: EarningRule, revision: int, transaction: AsyncIOMotorClientSession
    ) -> None:
        """Saves the intervals at which the rule is disabled; `revision` is the definitions revision
        of this transaction."""
        query = {"_id": to_object_id(EntityKind.EARNING_RULE, rule.id)}
        update = {"disabledIntervals": _interval_documents(rule), "revision": revision}
        await self._collection.update_one(query, {"$set": update}, session=transaction)


def _program(row: Mapping[str, Any]) -> LoyaltyProgram:
    id_ = to_public_id(EntityKind.LOYALTY_PROGRAM, row["_id"])
    return LoyaltyProgram(id_, row["name"], row["createdAt"])


def _document(rule: EarningRule) -> dict[str, Any]:
    return {
        "_id": to_object_id(EntityKind.EARNING_RULE, rule.id),
        "name": rule.name,
        "programId": to_object_id(EntityKind.LOYALTY_PROGRAM, rule.program_id),
        "segmentId": to_object_id(EntityKind.SEGMENT, rule.segment_id),
        "points": _points_document(rule.points),
        "createdAt": rule.created_at,
        "sinceSequence": rule.log_interval.after_sequence,
        "untilSequence": rule.log_interval.through_sequence,
        "activeFrom": rule.active_from,
        "activeUntil": rule.active_until,
        "maxPerCustomer": rule.max_per_customer,
        "disabledIntervals": _interval_documents(rule),
    }


def _interval_documents(rule: EarningRule) -> list[dict[str, Any]]:
    return [
        {"sinceSequence": interval.after_sequence, "untilSequence": interval.through_sequence}
        for interval in rule.disabled_intervals
    ]


def as_rule(row: Mapping[str, Any]) -> EarningRule:
    return EarningRule(
        id=to_public_id(EntityKind.EARNING_RULE, row["_id"]),
        name=row["name"],
        program_id=to_public_id(EntityKind.LOYALTY_PROGRAM, row["programId"]),
        segment_id=to_public_id(EntityKind.SEGMENT, row["segmentId"]),
        points=_points(row["points"]),
        created_at=row["createdAt"],
        log_interval=LogInterval(row["sinceSequence"], row["untilSequence"]),
        active_from=row["activeFrom"],
        active_until=row["activeUntil"],
        max_per_customer=row["maxPerCustomer"],
        disabled_intervals=tuple(
            LogInterval(interval["sinceSequence"], interval["untilSequence"])
            for interval in row.get("disabledIntervals", ())
        ),
    )


def _points_document(points: PointsFormula) -> dict[str, Any]:
    if isinstance(points, FixedPoints):
        return {"fixed": points.points}
    return {"path": points.path, "every": points.every, "points": points.points}


def _points(row: Mapping[str, Any]) -> PointsFormula:
    if "fixed" in row:
        return FixedPoints(row["fixed"])
    return ProportionalPoints(row["path"], row["every"], row["points"])
