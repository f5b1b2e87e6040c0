"""In which active segments the customers are, as far as the log tells."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from motor.motor_asyncio import AsyncIOMotorClientSession
from pymongo import DeleteOne, ReplaceOne
from pymongo.read_concern import ReadConcern

from app.domain.changes import State
from app.domain.engine import Counted
from app.domain.ids import Kind
from app.store.collections import Database
from app.store.ids import key, keys, public
from app.store.stream import PARTITIONS

# Named one by one, so that the index serves it.
_ANYWHERE = {"partition": {"$in": list(range(PARTITIONS))}}


class States:
    """The states collection: a row for each customer of whom there is something to know."""

    def __init__(self, database: Database) -> None:
        self._collection = database.states
        self._majority = self._collection.with_options(read_concern=ReadConcern("majority"))

    async def of(self, customer_ids: Iterable[str]) -> dict[str, State]:
        """Those of the customers' states that are there."""
        query = {"_id": {"$in": keys(Kind.CUSTOMER, customer_ids)}}
        rows = await self._collection.find(query).to_list(None)
        return {state.customer_id: state for state in map(_state, rows)}

    async def due(
        self, partitions: Sequence[int], until: datetime, most: int
    ) -> list[tuple[str, datetime]]:
        """The customers whose time comes until an instant, and when it does, the first ones
        first."""
        query = {"partition": {"$in": list(partitions)}, "wakesAt": {"$lte": until}}
        found = self._collection.find(query, {"wakesAt": 1}).sort("wakesAt", 1).limit(most)
        rows = await found.to_list(None)
        return [(public(Kind.CUSTOMER, row["_id"]), row["wakesAt"]) for row in rows]

    async def count_due(self, now: datetime, most: int) -> Counted:
        """How many customers' time has come."""
        query = {**_ANYWHERE, "wakesAt": {"$lte": now}}
        number = await self._collection.count_documents(query, limit=most)
        return Counted(number, number < most)

    async def next_wake(self, now: datetime) -> datetime | None:
        """When the time of the next one comes."""
        query = {**_ANYWHERE, "wakesAt": {"$gt": now}}
        row = await self._collection.find_one(query, {"wakesAt": 1}, sort=[("wakesAt", 1)])
        return None if row is None else row["wakesAt"]

    async def orphans(self, partitions: Sequence[int], most: int) -> list[State]:
        """The states of customers who are not there."""
        stages: list[dict[str, Any]] = [
            {"$match": {"partition": {"$in": list(partitions)}}},
            {
                "$lookup": {
                    "from": "customers",
                    "localField": "_id",
                    "foreignField": "_id",
                    "pipeline": [{"$project": {"_id": 1}}],
                    "as": "there",
                }
            },
            {"$match": {"there": []}},
            {"$limit": most},
        ]
        return [_state(row) async for row in self._majority.aggregate(stages)]

    async def save(
        self,
        states: Iterable[State],
        gone: Iterable[str],
        transaction: AsyncIOMotorClientSession,
    ) -> None:
        """Writes these states, and forgets those of the customers that are gone."""
        writes: list[ReplaceOne[dict[str, Any]] | DeleteOne] = [
            ReplaceOne(
                {"_id": key(Kind.CUSTOMER, state.customer_id)}, _document(state), upsert=True
            )
            for state in states
        ]
        writes += [DeleteOne({"_id": key_}) for key_ in keys(Kind.CUSTOMER, gone)]
        if writes:
            await self._collection.bulk_write(writes, ordered=False, session=transaction)


def _document(state: State) -> dict[str, Any]:
    document: dict[str, Any] = {
        "partition": state.partition,
        "revision": state.revision,
        "sourceId": state.source_id,
        "holds": state.holds.to_bytes((state.holds.bit_length() + 7) // 8, "little"),
    }
    if state.wakes_at is not None:
        document["wakesAt"] = state.wakes_at
    return document


def _state(row: dict[str, Any]) -> State:
    return State(
        public(Kind.CUSTOMER, row["_id"]),
        row["partition"],
        row["revision"],
        int.from_bytes(row["holds"], "little"),
        row.get("wakesAt"),
        row["sourceId"],
    )
