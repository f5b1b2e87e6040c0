"""Where the log of transitions begins, once its oldest part has been deleted.

What that part said of those who are still in a segment is kept beside the log: when they entered.
"""

from collections.abc import Container, Iterator, Sequence
from typing import Any

from motor.motor_asyncio import AsyncIOMotorClientSession
from pymongo import DeleteOne, UpdateOne
from pymongo.read_concern import ReadConcern

from app.domain.ids import Kind
from app.domain.transitions import Transition, TransitionType
from app.store.collections import Database
from app.store.ids import key, keys

# An entrance is not added to a segment that is being deleted.
FENCE = "entrances"

_START = "log start"


class Retention:
    """The oldest part of the transitions collection, and the entrances collection."""

    def __init__(self, database: Database) -> None:
        majority = ReadConcern("majority")
        self._starts = database.get_collection("fences", read_concern=majority)
        self._transitions = database.transitions
        self._entrances = database.entrances

    async def prepare(self) -> None:
        nothing = {"$setOnInsert": {"sequence": 0}}
        await self._starts.update_one({"_id": _START}, nothing, upsert=True)

    async def deleted(self, transaction: AsyncIOMotorClientSession | None = None) -> int:
        """Up to which sequence all is gone."""
        found = await self._starts.find_one({"_id": _START}, session=transaction)
        return int(found["sequence"]) if found else 0

    async def delete(
        self,
        start: int,
        oldest: Sequence[Transition],
        segment_ids: Container[str],
        transaction: AsyncIOMotorClientSession,
    ) -> bool:
        """Deletes the oldest of the log, which follow the start; False where somebody was first.
        Of the segments, which are all there are, the entrances are kept."""
        end = {"$set": {"sequence": oldest[-1].sequence}}
        mine = await self._starts.update_one(
            {"_id": _START, "sequence": start}, end, session=transaction
        )
        if not mine.matched_count:
            return False
        if writes := list(_entrances(oldest, segment_ids)):
            await self._entrances.bulk_write(writes, ordered=False, session=transaction)
        gone = keys(Kind.TRANSITION, [transition.id for transition in oldest])
        await self._transitions.delete_many({"_id": {"$in": gone}}, session=transaction)
        return True


def _entrances(
    oldest: Sequence[Transition], segment_ids: Container[str]
) -> Iterator[UpdateOne | DeleteOne]:
    """What is known of each customer and segment after these."""
    crossings = [each.crossing for each in oldest if each.crossing.segment_id in segment_ids]
    last = {(crossing.segment_id, crossing.customer_id): crossing for crossing in crossings}
    for crossing in last.values():
        row: dict[str, Any] = {
            "segmentId": key(Kind.SEGMENT, crossing.segment_id),
            "customerId": key(Kind.CUSTOMER, crossing.customer_id),
        }
        if crossing.type is TransitionType.ENTERED:
            yield UpdateOne(row, {"$set": {"at": crossing.at}}, upsert=True)
        else:
            yield DeleteOne(row)
