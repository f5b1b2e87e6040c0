"""How far each part of the customers has come, and which worker brings it on.

A worker holds partitions by leases, whose rules are in `leases.py`.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from motor.motor_asyncio import AsyncIOMotorClientSession
from pymongo import UpdateOne
from pymongo.read_concern import ReadConcern

from app.domain.changes import Progress, Setback, Step
from app.domain.engine import Partition
from app.errors import LeaseLost, Poisoned
from app.store.collections import Database
from app.store.leases import NOBODY, Holder, Leases
from app.store.reads import read_command
from app.store.segments import REVISION
from app.store.stream import MARKS, PARTITIONS, place_of

_WELL = {"setback": {"$exists": False}}
_TO_TRY_AGAIN = {"$expr": {"$lte": ["$setback.againAt", "$$NOW"]}, "setback": {"$exists": True}}
_LONGEST_PAUSE_SECONDS, _LONGEST_ERROR = 60, 1_000
_KEYS_SECONDS, _KEYS_PAUSE_SECONDS = 10, 0.05


class Partitions:
    """The partitions collection, the steps that not all of them have passed, and the marks."""

    def __init__(self, database: Database, leases: Leases) -> None:
        self._database = database
        self._collection = database.partitions
        self._steps = database.steps
        self._marks = database[MARKS]
        self._leases = leases

    async def prepare(self) -> None:
        """Makes them, as of now: nothing was watched before, so that nothing has been missed."""
        if await self._collection.count_documents({}) == PARTITIONS:
            return
        place, now = await self.end()
        revision = await self._database.fences.find_one({"_id": REVISION})
        first = {
            "place": place,
            "at": now,
            "base": int(revision["revision"]) if revision else 0,
            "target": None,
            "after": "",
            **NOBODY,
        }
        made = [
            UpdateOne({"_id": number}, {"$setOnInsert": first}, upsert=True)
            for number in range(PARTITIONS)
        ]
        await self._collection.bulk_write(made, ordered=False)

    async def all(self) -> list[Partition]:
        rows = self._collection.find().sort("_id", 1)
        return [
            Partition(row["_id"], _progress(row), row["worker"], _setback(row))
            async for row in rows
        ]

    async def places(self) -> dict[int, str]:
        """How far each has come; read with majority, so that no election takes it back."""
        majority = self._collection.with_options(read_concern=ReadConcern("majority"))
        return {row["_id"]: row["place"] async for row in majority.find({}, {"place": 1})}

    async def free(self) -> int:
        """How many nobody holds who is there; but for those that are set back."""
        free = {**await self._leases.unheld(), **_WELL}
        return int(await self._collection.count_documents(free))

    async def claim(self, holder: Holder, most: int) -> dict[int, Progress]:
        """Takes at most so many that no worker holds; none of those that are set back."""
        return await self._claim(_WELL, holder, most)

    async def claim_set_back(self, holder: Holder) -> dict[int, Progress]:
        """Takes one of those that are set back, if it is time to try it again."""
        return await self._claim(_TO_TRY_AGAIN, holder, 1)

    async def _claim(
        self, query: Mapping[str, Any], holder: Holder, most: int
    ) -> dict[int, Progress]:
        if not await self._leases.take(self._collection, query, holder, most):
            return {}
        return await self.held(holder.owner)

    async def held(self, owner: str) -> dict[int, Progress]:
        """How far those have come that the owner holds."""
        rows = self._collection.find({"owner": owner})
        return {row["_id"]: _progress(row) async for row in rows}

    async def require(self, owner: str, held: Sequence[int]) -> None:
        """LeaseLost where one is no longer the owner's."""
        mine = {"_id": {"$in": list(held)}, "owner": owner}
        _require_all(await self._collection.count_documents(mine), held)

    async def set_back(self, owner: str, poisoned: Poisoned) -> None:
        """Lets one go that can't be brought on at present. It is tried again after one second, two,
        four, at last each minute."""
        tries = {"$ifNull": ["$setback.tries", 0]}
        pause = {"$min": [{"$pow": [2, {"$min": [tries, 10]}]}, _LONGEST_PAUSE_SECONDS]}
        setback = {
            "customerId": poisoned.customer_id,
            "error": {"$literal": str(poisoned)[:_LONGEST_ERROR]},
            "since": {"$ifNull": ["$setback.since", "$$NOW"]},
            "tries": {"$add": [tries, 1]},
            "againAt": {"$add": ["$$NOW", {"$multiply": [pause, 1_000]}]},
        }
        await self._collection.update_one(
            {"_id": poisoned.partition, "owner": owner},
            [{"$set": {**NOBODY, "setback": setback}}],
        )

    async def recovered(self, owner: str) -> None:
        """What the owner holds is set back no longer."""
        await self._collection.update_many({"owner": owner}, {"$unset": {"setback": ""}})

    async def release(self, owner: str) -> None:
        await self._leases.release(self._collection, owner)

    async def advance(
        self, owner: str, to: dict[int, Progress], transaction: AsyncIOMotorClientSession
    ) -> None:
        """Moves them on. LeaseLost where one is no longer the owner's."""
        alike: dict[Progress, list[int]] = {}
        for number, progress in to.items():
            alike.setdefault(progress, []).append(number)
        for progress, numbers in alike.items():
            done = await self._collection.update_many(
                {"_id": {"$in": numbers}, "owner": owner},
                {"$set": _document(progress)},
                session=transaction,
            )
            _require_all(done.matched_count, numbers)

    async def steps(self, base: int) -> list[Step]:
        """The steps after a revision, in their order, as far as anybody has come."""
        rows = self._steps.find({"_id": {"$gt": base}}).sort("_id", 1)
        return [
            Step(row["_id"], row["place"], row["at"], frozenset(row["gaps"])) async for row in rows
        ]

    async def add_steps(
        self, steps: Sequence[Step], transaction: AsyncIOMotorClientSession
    ) -> None:
        """Notes steps; whoever comes to one first says when it was."""
        for step in steps:
            made = {"$setOnInsert": {"place": step.place, "at": step.at, "gaps": [*step.gaps]}}
            query = {"_id": step.revision}
            await self._steps.update_one(query, made, upsert=True, session=transaction)

    async def passed_by_all(self) -> int:
        """The revision that every customer of every partition has passed."""
        row = await self._collection.find_one({}, {"base": 1}, sort=[("base", 1)])
        return int(row["base"]) if row else 0

    async def last_step(self) -> int:
        """The last revision that not all customers have passed, as far as anybody has come; 0 where
        there is none."""
        row = await self._steps.find_one({}, {"_id": 1}, sort=[("_id", -1)])
        return int(row["_id"]) if row else 0

    async def forget_steps(self, revision: int) -> None:
        await self._steps.delete_many({"_id": {"$lte": revision}})

    async def mark(self, worker: str, number: int) -> None:
        """Writes a mark, which will come by in the worker's stream."""
        await self._marks.update_one({"_id": worker}, {"$set": {"number": number}}, upsert=True)

    async def unmark(self, worker: str) -> None:
        await self._marks.delete_one({"_id": worker})

    async def now(self) -> datetime:
        """The instant by MongoDB's clock."""
        now: datetime = (await self._hello())["localTime"]
        return now

    async def end(self) -> tuple[str, datetime]:
        """The place where the stream is now, and the instant by MongoDB's clock.

        TimeoutError where MongoDB does not tell the place: whom it asks for a password it tells
        none before it has the keys to sign it with, which it gets just after it has started.
        """
        try:
            async with asyncio.timeout(_KEYS_SECONDS):
                while "operationTime" not in (answer := await self._hello()):  # noqa: ASYNC110
                    await asyncio.sleep(_KEYS_PAUSE_SECONDS)
        except TimeoutError as error:
            raise TimeoutError(
                "it does not tell its time: it has no keys to sign it with"
            ) from error
        return place_of(answer["operationTime"]), answer["localTime"]

    async def _hello(self) -> dict[str, Any]:
        return await read_command(self._database, {"hello": 1})


def _require_all(matched: int, held: Sequence[int]) -> None:
    if matched != len(held):
        raise LeaseLost("Another worker has taken over.")


def _document(progress: Progress) -> dict[str, Any]:
    return {
        "place": progress.place,
        "at": progress.at,
        "base": progress.base,
        "target": progress.target,
        "after": progress.after,
    }


def _setback(row: dict[str, Any]) -> Setback | None:
    if (told := row.get("setback")) is None:
        return None
    return Setback(row["_id"], told["customerId"], told["error"], told["since"], told["tries"])


def _progress(row: dict[str, Any]) -> Progress:
    return Progress(row["place"], row["at"], row["base"], row["target"], row["after"])
