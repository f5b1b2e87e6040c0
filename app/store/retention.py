"""Where the log of transitions begins, once its oldest part has been deleted.

What that part said of those who are still in a segment is kept beside the log: when they entered.
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

# An entrance is not added to a segment that is being deleted.
ENTRANCES_REVISION = "retainedEntrances"

_LOG_START_COUNTER = "transitionLogStart"


class LogRetention:
    """The oldest part of the transitions collection, and the entrances collection."""

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
        """Up to which sequence all is gone."""
        counter = await self._counters.find_one({"_id": _LOG_START_COUNTER}, session=transaction)
        return int(counter["sequence"]) if counter else 0

    async def delete_oldest(
        self,
        last_deleted_sequence: int,
        oldest: Sequence[Transition],
        segment_ids: Container[str],
        transaction: AsyncIOMotorClientSession,
    ) -> bool:
        """Deletes the oldest of the log, which follow the start; False where somebody was first.
        Of the segments, which are all there are, the entrances are kept."""
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
    """What is known of each customer and segment after these."""
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
