"""The log of transitions: append-only, its sequence without gaps, in the order of commitment."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any

from bson import ObjectId
from motor.motor_asyncio import AsyncIOMotorClientSession
from pymongo import ReturnDocument
from pymongo.read_concern import ReadConcern

from app.domain.ids import Kind
from app.domain.transitions import Crossing, Transition, TransitionCause, TransitionType
from app.store.collections import Database
from app.store.ids import key, keys, public
from app.store.leases import LOG_TURN, Leases
from app.store.timeline import before

_END = "log"
_TURN_SECONDS = 1.0


class Transitions:
    """The transitions collection, and the counter that says where it ends."""

    def __init__(self, database: Database, leases: Leases) -> None:
        majority = ReadConcern("majority")
        self._collection = database.get_collection("transitions", read_concern=majority)
        self._leases = leases
        self._ends = database.get_collection("fences", read_concern=majority)

    async def prepare(self) -> None:
        nothing = {"$setOnInsert": {"sequence": 0}}
        await self._ends.update_one({"_id": _END}, nothing, upsert=True)

    def turn(self, owner: str) -> AbstractAsyncContextManager[None]:
        """One after the other, for those who append at once: their transactions would all but one
        be in vain. A courtesy, which ends soon where its holder dies or is slow."""
        return self._leases.hold(LOG_TURN, owner, _TURN_SECONDS)

    async def append(
        self, crossings: Sequence[Crossing], transaction: AsyncIOMotorClientSession
    ) -> None:
        """Puts them at the end of the log. To be done last in a transaction: from here on every
        other that appends must wait, or begin anew."""
        if not crossings:
            return
        raised = await self._ends.find_one_and_update(
            {"_id": _END},
            {"$inc": {"sequence": len(crossings)}},
            return_document=ReturnDocument.AFTER,
            session=transaction,
        )
        end = int(raised["sequence"])
        rows = [
            _document(crossing, sequence)
            for sequence, crossing in enumerate(crossings, end - len(crossings) + 1)
        ]
        await self._collection.insert_many(rows, ordered=False, session=transaction)

    async def end(self, transaction: AsyncIOMotorClientSession | None = None) -> int:
        """The last sequence of the log; 0 where it is empty."""
        found = await self._ends.find_one({"_id": _END}, session=transaction)
        return int(found["sequence"]) if found else 0

    async def get(self, id_: str) -> Transition | None:
        found = await self._collection.find_one({"_id": key(Kind.TRANSITION, id_)})
        return None if found is None else as_transition(found)

    async def named(self, ids: Iterable[str]) -> dict[str, Transition]:
        """Those of the transitions that are there."""
        found = self._collection.find({"_id": {"$in": keys(Kind.TRANSITION, ids)}})
        transitions = [as_transition(row) async for row in found]
        return {transition.id: transition for transition in transitions}

    async def after(
        self,
        sequence: int,
        most: int,
        *,
        segment_ids: Iterable[str] | None = None,
        customer_id: str | None = None,
        transaction: AsyncIOMotorClientSession | None = None,
    ) -> list[Transition]:
        """The log from after a place, the oldest first: of all, or of some segments, or of one
        customer."""
        query: dict[str, Any] = {"_id": {"$gt": _key(sequence)}}
        if segment_ids is not None:
            query["segmentId"] = {"$in": keys(Kind.SEGMENT, segment_ids)}
        if customer_id is not None:
            query["customerId"] = key(Kind.CUSTOMER, customer_id)
        found = self._collection.find(query, session=transaction).sort("_id", 1).limit(most)
        return [as_transition(row) async for row in found]

    async def latest(
        self, customer_id: str, after: tuple[datetime, str] | None, most: int
    ) -> list[Transition]:
        """A customer's transitions, the latest first, from before a place."""
        query = {
            "customerId": key(Kind.CUSTOMER, customer_id),
            **before(after, Kind.TRANSITION),
        }
        found = self._collection.find(query).sort([("at", -1), ("_id", -1)]).limit(most)
        return [as_transition(row) async for row in found]

    async def entered_at(self, segment_id: str, customer_ids: Sequence[str]) -> dict[str, datetime]:
        """When those of the customers last entered the segment whom the log has in it."""
        theirs = {
            "customerId": {"$in": keys(Kind.CUSTOMER, customer_ids)},
            "segmentId": key(Kind.SEGMENT, segment_id),
        }
        # What the oldest part of the log said is kept beside it, and comes before the rest.
        first = {"_id": None, "type": TransitionType.ENTERED.value, "customerId": 1, "at": 1}
        kept: list[dict[str, Any]] = [{"$match": theirs}, {"$project": first}]
        last = {"$top": {"sortBy": {"_id": -1}, "output": {"type": "$type", "at": "$at"}}}
        stages: list[dict[str, Any]] = [
            {"$match": theirs},
            {"$unionWith": {"coll": "entrances", "pipeline": kept}},
            {"$group": {"_id": "$customerId", "last": last}},
            {"$match": {"last.type": TransitionType.ENTERED.value}},
        ]
        found = self._collection.aggregate(stages)
        return {public(Kind.CUSTOMER, row["_id"]): row["last"]["at"] async for row in found}


def _key(sequence: int) -> ObjectId:
    """A transition's key says its place: the log needs no other index for its order."""
    return ObjectId(f"{sequence:024x}")


def _document(crossing: Crossing, sequence: int) -> dict[str, Any]:
    return {
        "_id": _key(sequence),
        "type": crossing.type.value,
        "cause": crossing.cause.value,
        "segmentId": key(Kind.SEGMENT, crossing.segment_id),
        "segmentName": crossing.segment_name,
        "customerId": key(Kind.CUSTOMER, crossing.customer_id),
        "customerSourceId": crossing.customer_source_id,
        "at": crossing.at,
    }


def as_document(transition: Transition) -> dict[str, Any]:
    return _document(transition.crossing, transition.sequence)


def as_transition(row: Mapping[str, Any]) -> Transition:
    return Transition(
        public(Kind.TRANSITION, row["_id"]),
        int(str(row["_id"]), 16),
        Crossing(
            TransitionType(row["type"]),
            TransitionCause(row["cause"]),
            public(Kind.SEGMENT, row["segmentId"]),
            row["segmentName"],
            public(Kind.CUSTOMER, row["customerId"]),
            row["customerSourceId"],
            row["at"],
        ),
    )
