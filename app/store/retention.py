"""Retention of the transition log: deletes its oldest part and records where it starts.

For customers who are still in a segment, the instant of their entrance is retained in a collection
of its own.
"""

from collections.abc import Container, Iterator, Sequence
from typing import Any

from motor.motor_asyncio import AsyncIOMotorClientSession
from pymongo import DeleteOne, UpdateOne
from pymongo.read_concern import ReadConcern

from app.domain.ids import EntityKind
from app.domain.transitions import Transition, TransitionType
from app.store.collections import Database
from app.store.ids import to_object_id, to_object_ids

# Retention and the deletion of a segment both increment this revision, so that they conflict: a
# deleted segment never gains an entrance.
ENTRANCES_REVISION = "retainedEntrances"

_LOG_START_COUNTER = "transitionLogStart"


class LogRetention:
    """The start of the transitions collection, and the retainedEntrances collection."""

    def __init__(self, database: Database) -> None:
        majority = ReadConcern("majority")
        self._counters = database.get_collection("counters", read_concern=majority)
        self._transitions = database.transitions
        self._entrances = database.retainedEntrances

    async def prepare(self) -> None:
        initial_counter = {"$setOnInsert": {"sequence": 0}}
        await self._counters.update_one({"_id": _LOG_START_COUNTER}, initial_counter, upsert=True)

    async def last_deleted_sequence(
        self, transaction: AsyncIOMotorClientSession | None = None
    ) -> int:
        """The last deleted sequence; 0 if nothing was deleted."""
        counter = await self._counters.find_one({"_id": _LOG_START_COUNTER}, session=transaction)
        return int(counter["sequence"]) if counter else 0

    async def delete_oldest(
        self,
        last_deleted_sequence: int,
        oldest: Sequence[Transition],
        segment_ids: Container[str],
        transaction: AsyncIOMotorClientSession,
    ) -> bool:
        """Deletes `oldest`, the transitions that follow `last_deleted_sequence`.

        Retains the entrances into `segment_ids`, which are all existing segments. Returns False
        if another worker was faster.
        """
        update = {"$set": {"sequence": oldest[-1].sequence}}
        result = await self._counters.update_one(
            {"_id": _LOG_START_COUNTER, "sequence": last_deleted_sequence},
            update,
            session=transaction,
        )
        if not result.matched_count:
            return False
        if writes := list(_entrance_writes(oldest, segment_ids)):
            await self._entrances.bulk_write(writes, ordered=False, session=transaction)
        transition_keys = to_object_ids(
            EntityKind.TRANSITION, [transition.id for transition in oldest]
        )
        await self._transitions.delete_many({"_id": {"$in": transition_keys}}, session=transaction)
        return True


def _entrance_writes(
    oldest: Sequence[Transition], segment_ids: Container[str]
) -> Iterator[UpdateOne | DeleteOne]:
    """The writes that update the retained entrances by the deleted transitions."""
    pending_transitions = [
        transition.details for transition in oldest if transition.details.segment_id in segment_ids
    ]
    last_by_membership = {
        (pending_transition.segment_id, pending_transition.customer_id): pending_transition
        for pending_transition in pending_transitions
    }
    for pending_transition in last_by_membership.values():
        row: dict[str, Any] = {
            "segmentId": to_object_id(EntityKind.SEGMENT, pending_transition.segment_id),
            "customerId": to_object_id(EntityKind.CUSTOMER, pending_transition.customer_id),
        }
        if pending_transition.type is TransitionType.ENTERED:
            yield UpdateOne(row, {"$set": {"enteredAt": pending_transition.at}}, upsert=True)
        else:
            yield DeleteOne(row)
