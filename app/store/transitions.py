"""The transition log: append-only, in commit order, with sequences without gaps."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any

from bson import ObjectId
from motor.motor_asyncio import AsyncIOMotorClientSession
from pymongo import ReturnDocument
from pymongo.read_concern import ReadConcern

from app.domain.ids import EntityKind
from app.domain.transitions import PendingTransition, Transition, TransitionCause, TransitionType
from app.store.collections import Database
from app.store.ids import to_object_id, to_object_ids, to_public_id
from app.store.leases import LOG_APPEND_LEASE, Leases
from app.store.timeline import older_than, read_latest, read_latest_of_customers

_LOG_END_COUNTER = "transitionLogEnd"
_APPEND_LEASE_SECONDS = 1.0
# More than a page of members; MongoDB's own first batch has 101 rows.
_MAX_ENTRANCES_PER_BATCH = 10_000


class Transitions:
    """The transitions collection, and the counter of its last sequence."""

    def __init__(self, database: Database, leases: Leases) -> None:
        majority = ReadConcern("majority")
        self._collection = database.get_collection("transitions", read_concern=majority)
        self._leases = leases
        self._counters = database.get_collection("counters", read_concern=majority)

    async def prepare(self) -> None:
        initial_counter = {"$setOnInsert": {"sequence": 0}}
        await self._counters.update_one({"_id": _LOG_END_COUNTER}, initial_counter, upsert=True)

    def hold_append_lease(self, owner: str) -> AbstractAsyncContextManager[None]:
        """Holds the lease on appending, so that workers append one after the other.

        Without it, all but one of several concurrent appends would conflict and run again.
        Correctness does not depend on it; it expires after one second.
        """
        return self._leases.hold(LOG_APPEND_LEASE, owner, _APPEND_LEASE_SECONDS)

    async def append(
        self,
        pending_transitions: Sequence[PendingTransition],
        transaction: AsyncIOMotorClientSession,
    ) -> None:
        """Appends transitions to the log.

        Call this last in a transaction: from here on other appends conflict with it.
        """
        if not pending_transitions:
            return
        counter = await self._counters.find_one_and_update(
            {"_id": _LOG_END_COUNTER},
            {"$inc": {"sequence": len(pending_transitions)}},
            return_document=ReturnDocument.AFTER,
            session=transaction,
        )
        end = int(counter["sequence"])
        rows = [
            _document(pending_transition, sequence)
            for sequence, pending_transition in enumerate(
                pending_transitions, end - len(pending_transitions) + 1
            )
        ]
        await self._collection.insert_many(rows, ordered=False, session=transaction)

    async def last_sequence(self, transaction: AsyncIOMotorClientSession | None = None) -> int:
        """The last sequence of the log; 0 if the log is empty."""
        counter = await self._counters.find_one({"_id": _LOG_END_COUNTER}, session=transaction)
        return int(counter["sequence"]) if counter else 0

    async def get(self, id_: str) -> Transition | None:
        row = await self._collection.find_one({"_id": to_object_id(EntityKind.TRANSITION, id_)})
        return None if row is None else as_transition(row)

    async def get_many(self, ids: Iterable[str]) -> dict[str, Transition]:
        """Returns, by id, the transitions that exist."""
        cursor = self._collection.find({"_id": {"$in": to_object_ids(EntityKind.TRANSITION, ids)}})
        transitions = [as_transition(row) async for row in cursor]
        return {transition.id: transition for transition in transitions}

    async def read_after(
        self,
        sequence: int,
        limit: int,
        *,
        segment_ids: Iterable[str] | None = None,
        customer_id: str | None = None,
        transaction: AsyncIOMotorClientSession | None = None,
    ) -> list[Transition]:
        """At most `limit` transitions after a sequence, oldest first: of the whole log, of some
        segments, or of one customer."""
        query: dict[str, Any] = {"_id": {"$gt": _log_key(sequence)}}
        if segment_ids is not None:
            query["segmentId"] = {"$in": to_object_ids(EntityKind.SEGMENT, segment_ids)}
        if customer_id is not None:
            query["customerId"] = to_object_id(EntityKind.CUSTOMER, customer_id)
        cursor = self._collection.find(query, session=transaction).sort("_id", 1).limit(limit)
        return [as_transition(row) async for row in cursor]

    async def latest_of_segments(
        self,
        segment_ids: Iterable[str],
        type_: TransitionType | None,
        before_sequence: int | None,
        limit: int,
    ) -> dict[str, list[Transition]]:
        """By segment, at most `limit` transitions, newest first, of one type or of both, before a
        sequence. A segment without transitions is left out."""
        query: dict[str, Any] = {}
        if type_ is not None:
            query["type"] = type_.value
        if before_sequence is not None:
            query["_id"] = {"$lt": _log_key(before_sequence)}
        rows_by_segment = await read_latest(
            self._collection,
            "segmentId",
            EntityKind.SEGMENT,
            segment_ids,
            limit,
            query,
            order={"_id": -1},
        )
        return {id_: list(map(as_transition, rows)) for id_, rows in rows_by_segment.items()}

    async def latest(
        self, customer_ids: Iterable[str], after: tuple[datetime, str] | None, limit: int
    ) -> dict[str, list[Transition]]:
        """By customer, at most `limit` transitions, newest first, older than the cursor
        `after`."""
        query = older_than(after, EntityKind.TRANSITION)
        rows = await read_latest_of_customers(self._collection, customer_ids, limit, query)
        return {id_: list(map(as_transition, documents)) for id_, documents in rows.items()}

    async def first_sequences(
        self,
        segment_id: str,
        customer_ids: Iterable[str],
        after_sequence: int,
        transaction: AsyncIOMotorClientSession,
    ) -> dict[str, int]:
        """Returns, by customer id, the sequence of the customer's first transition of the segment
        after a sequence, for the customers that have one."""
        stages: list[dict[str, Any]] = [
            {
                "$match": {
                    "customerId": {"$in": to_object_ids(EntityKind.CUSTOMER, customer_ids)},
                    "segmentId": to_object_id(EntityKind.SEGMENT, segment_id),
                    "_id": {"$gt": _log_key(after_sequence)},
                }
            },
            {"$group": {"_id": "$customerId", "first": {"$min": "$_id"}}},
        ]
        cursor = self._collection.aggregate(stages, session=transaction)
        return {
            to_public_id(EntityKind.CUSTOMER, row["_id"]): int(str(row["first"]), 16)
            async for row in cursor
        }

    async def entered_at(
        self, customer_ids_by_segment: Mapping[str, Iterable[str]]
    ) -> dict[tuple[str, str], datetime]:
        """Returns, by segment and customer, when the customers that the log has in these segments
        last entered."""
        query = {
            "$or": [
                {
                    "customerId": {"$in": to_object_ids(EntityKind.CUSTOMER, customer_ids)},
                    "segmentId": to_object_id(EntityKind.SEGMENT, segment_id),
                }
                for segment_id, customer_ids in customer_ids_by_segment.items()
            ]
        }
        # Retained entrances stand for the deleted part of the log, so they sort before the rest.
        entrance_projection = {
            "_id": None,
            "type": TransitionType.ENTERED.value,
            "segmentId": 1,
            "customerId": 1,
            "at": "$enteredAt",
        }
        entrance_stages: list[dict[str, Any]] = [
            {"$match": query},
            {"$project": entrance_projection},
        ]
        last_transition = {
            "$top": {"sortBy": {"_id": -1}, "output": {"type": "$type", "at": "$at"}}
        }
        stages: list[dict[str, Any]] = [
            {"$match": query},
            {"$unionWith": {"coll": "retainedEntrances", "pipeline": entrance_stages}},
            {
                "$group": {
                    "_id": {"segment": "$segmentId", "customer": "$customerId"},
                    "last": last_transition,
                }
            },
            {"$match": {"last.type": TransitionType.ENTERED.value}},
        ]
        cursor = self._collection.aggregate(stages, batchSize=_MAX_ENTRANCES_PER_BATCH)
        return {
            (
                to_public_id(EntityKind.SEGMENT, row["_id"]["segment"]),
                to_public_id(EntityKind.CUSTOMER, row["_id"]["customer"]),
            ): row["last"]["at"]
            for row in await cursor.to_list(None)
        }


def _log_key(sequence: int) -> ObjectId:
    """The `_id` of a sequence. It sorts like the sequence, so the log needs no other index."""
    return ObjectId(f"{sequence:024x}")


def _document(pending_transition: PendingTransition, sequence: int) -> dict[str, Any]:
    return {
        "_id": _log_key(sequence),
        "type": pending_transition.type.value,
        "cause": pending_transition.cause.value,
        "segmentId": to_object_id(EntityKind.SEGMENT, pending_transition.segment_id),
        "segmentName": pending_transition.segment_name,
        "customerId": to_object_id(EntityKind.CUSTOMER, pending_transition.customer_id),
        "customerSourceId": pending_transition.customer_source_id,
        "at": pending_transition.at,
    }


def as_document(transition: Transition) -> dict[str, Any]:
    return _document(transition.details, transition.sequence)


def as_transition(row: Mapping[str, Any]) -> Transition:
    return Transition(
        to_public_id(EntityKind.TRANSITION, row["_id"]),
        int(str(row["_id"]), 16),
        PendingTransition(
            TransitionType(row["type"]),
            TransitionCause(row["cause"]),
            to_public_id(EntityKind.SEGMENT, row["segmentId"]),
            row["segmentName"],
            to_public_id(EntityKind.CUSTOMER, row["customerId"]),
            row["customerSourceId"],
            row["at"],
        ),
    )
