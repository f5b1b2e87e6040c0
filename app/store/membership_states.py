"""The engine's stored state of each customer: the segments it is in, as the log says."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from motor.motor_asyncio import AsyncIOMotorClientSession
from pymongo import DeleteOne, ReplaceOne
from pymongo.read_concern import ReadConcern

from app.domain.active_filters import FilterSlot
from app.domain.engine_status import BoundedCount
from app.domain.ids import EntityKind
from app.domain.progress import CustomerState
from app.store.change_stream import PARTITION_COUNT
from app.store.collections import Database
from app.store.ids import to_object_id, to_object_ids, to_public_id

# An explicit list, so that the index on (partition, nextTimerAt) serves the query.
_ALL_PARTITIONS = {"partition": {"$in": list(range(PARTITION_COUNT))}}


class MemberPage(NamedTuple):
    """Members of a segment, by id. `last_customer_id` is the last customer of the page, whether a
    member or not; None if there are no more customers."""

    members: Sequence[CustomerState]
    last_customer_id: str | None


class MembershipStates:
    """The membershipStates collection: one row per customer that has a state."""

    def __init__(self, database: Database) -> None:
        self._collection = database.membershipStates
        self._majority = self._collection.with_options(read_concern=ReadConcern("majority"))

    async def read(self, customer_ids: Iterable[str]) -> dict[str, CustomerState]:
        """Returns, by customer id, the states that exist."""
        query = {"_id": {"$in": to_object_ids(EntityKind.CUSTOMER, customer_ids)}}
        rows = await self._collection.find(query).to_list(None)
        return {state.customer_id: state for state in map(_state, rows)}

    async def due_timers(
        self, partitions: Sequence[int], until: datetime, limit: int
    ) -> list[tuple[str, datetime]]:
        """At most `limit` customers with a timer due by `until`, and its instant, in order."""
        query = {"partition": {"$in": list(partitions)}, "nextTimerAt": {"$lte": until}}
        cursor = (
            self._collection.find(query, {"nextTimerAt": 1}).sort("nextTimerAt", 1).limit(limit)
        )
        rows = await cursor.to_list(None)
        return [(to_public_id(EntityKind.CUSTOMER, row["_id"]), row["nextTimerAt"]) for row in rows]

    async def count_due_timers(self, now: datetime, limit: int) -> BoundedCount:
        """How many timers are due; exact if fewer than `limit`."""
        query = {**_ALL_PARTITIONS, "nextTimerAt": {"$lte": now}}
        number = await self._collection.count_documents(query, limit=limit)
        return BoundedCount(number, number < limit)

    async def next_timer_at(self, now: datetime) -> datetime | None:
        """The instant of the earliest timer that is not due yet."""
        query = {**_ALL_PARTITIONS, "nextTimerAt": {"$gt": now}}
        row = await self._collection.find_one(query, {"nextTimerAt": 1}, sort=[("nextTimerAt", 1)])
        return None if row is None else row["nextTimerAt"]

    async def orphans(self, partitions: Sequence[int], limit: int) -> list[CustomerState]:
        """At most `limit` states whose customer does not exist."""
        stages: list[dict[str, Any]] = [
            {"$match": {"partition": {"$in": list(partitions)}}},
            {
                "$lookup": {
                    "from": "customers",
                    "localField": "_id",
                    "foreignField": "_id",
                    "pipeline": [{"$project": {"_id": 1}}],
                    "as": "customer",
                }
            },
            {"$match": {"customer": []}},
            {"$limit": limit},
        ]
        return [_state(row) async for row in self._majority.aggregate(stages)]

    async def page_of_members(
        self,
        slots: Sequence[FilterSlot],
        after_customer_id: str,
        max_states: int,
        max_members: int,
        transaction: AsyncIOMotorClientSession,
    ) -> MemberPage:
        """At most `max_members` members after a customer, among at most `max_states` states.

        `slots` are those of the segment's filters.
        """
        after_key = to_object_id(EntityKind.CUSTOMER, after_customer_id)
        query = {} if after_key is None else {"_id": {"$gt": after_key}}
        cursor = self._collection.find(query, session=transaction).sort("_id", 1)
        states = [_state(row) async for row in cursor.limit(max_states)]
        members: list[CustomerState] = []
        for state in states:
            if any(slot.holds(state.membership_bits, state.revision) for slot in slots):
                members.append(state)
                if len(members) == max_members:
                    return MemberPage(members, state.customer_id)
        return MemberPage(members, states[-1].customer_id if states else None)

    async def save(
        self,
        states: Iterable[CustomerState],
        deleted_customer_ids: Iterable[str],
        transaction: AsyncIOMotorClientSession,
    ) -> None:
        """Writes the states, and deletes those of the deleted customers."""
        writes: list[ReplaceOne[dict[str, Any]] | DeleteOne] = [
            ReplaceOne(
                {"_id": to_object_id(EntityKind.CUSTOMER, state.customer_id)},
                _document(state),
                upsert=True,
            )
            for state in states
        ]
        writes += [
            DeleteOne({"_id": key_})
            for key_ in to_object_ids(EntityKind.CUSTOMER, deleted_customer_ids)
        ]
        if writes:
            await self._collection.bulk_write(writes, ordered=False, session=transaction)


def _document(state: CustomerState) -> dict[str, Any]:
    document: dict[str, Any] = {
        "partition": state.partition,
        "revision": state.revision,
        "sourceId": state.source_id,
        "membershipBits": state.membership_bits.to_bytes(
            (state.membership_bits.bit_length() + 7) // 8, "little"
        ),
    }
    if state.next_timer_at is not None:
        document["nextTimerAt"] = state.next_timer_at
    return document


def _state(row: dict[str, Any]) -> CustomerState:
    return CustomerState(
        to_public_id(EntityKind.CUSTOMER, row["_id"]),
        row["partition"],
        row["revision"],
        int.from_bytes(row["membershipBits"], "little"),
        row.get("nextTimerAt"),
        row["sourceId"],
    )
