"""How far back MongoDB remembers, and how much has happened since.

None wherever this user, or a mongos, does not let it be seen.
"""

from datetime import timedelta
from time import monotonic
from typing import Any

from bson import Timestamp
from pymongo.errors import ExecutionTimeout, OperationFailure

from app.domain.engine import Counted, Images, Oplog, Windows
from app.store.collections import Database
from app.store.reads import read_command
from app.store.stream import time_of

# So many entries are looked at in one question, in so many questions, for so long.
_ENTRIES, _QUESTIONS, _SECONDS = 10_000, 10, 0.5


class OplogReader:
    """MongoDB's oplog, where all databases write what they do; and the images beside it."""

    def __init__(self, database: Database) -> None:
        self._admin = database.client.get_database("admin")
        self._local = database.client.get_database("local")
        self._entries = self._local["oplog.rs"]
        self._changes = _changes_of(f"{database.name}.customers")

    async def windows(self) -> Windows:
        return Windows(await self._oplog(), await self._images())

    async def _oplog(self) -> Oplog | None:
        try:
            stats = await read_command(self._local, {"collStats": "oplog.rs"})
            first, last = [
                await self._entries.find_one({}, {"ts": 1}, sort=[("$natural", order)])
                for order in (1, -1)
            ]
        except OperationFailure:
            return None
        seconds = last["ts"].time - first["ts"].time if first and last else 0
        return Oplog(stats["size"], stats["maxSize"], timedelta(seconds=seconds))

    async def _images(self) -> Images | None:
        try:
            answer = await read_command(self._admin, {"getClusterParameter": "changeStreamOptions"})
        except OperationFailure:
            return None
        images = answer["clusterParameters"][0].get("preAndPostImages", {})
        seconds = images.get("expireAfterSeconds", "off")
        return Images(None if seconds == "off" else timedelta(seconds=seconds))

    async def changes_after(self, place: str) -> Counted | None:
        """How many changes of customers were written after a place. Not exact where there are more
        than can be counted quickly, or where the oplog no longer reaches back to the place."""
        after, number, ends = time_of(place), 0, monotonic() + _SECONDS
        try:
            reaches_back = await self._holds(after)
            for _ in range(_QUESTIONS):
                found = await self._count(after, ends - monotonic())
                number += found["number"]
                if found["looked"] < _ENTRIES:
                    return Counted(number, reaches_back)
                after = found["last"]
        except ExecutionTimeout:
            pass
        except OperationFailure:
            return None
        return Counted(number, exact=False)

    async def _holds(self, time: Timestamp) -> bool:
        """Whether what was committed at that time is still there."""
        first = await self._entries.find_one({"ts": {"$gte": time}}, {"ts": 1})
        return first is not None and first["ts"] == time

    async def _count(self, after: Timestamp, seconds: float) -> dict[str, Any]:
        """Of the next entries: how many they are, the changes in them, and the last one's time."""
        stages: list[dict[str, Any]] = [
            {"$match": {"ts": {"$gt": after}}},
            {"$limit": _ENTRIES},
            {
                "$group": {
                    "_id": None,
                    "looked": {"$sum": 1},
                    "number": {"$sum": self._changes},
                    "last": {"$last": "$ts"},
                }
            },
        ]
        most = max(1, round(seconds * 1_000))
        rows = await self._entries.aggregate(stages, maxTimeMS=most).to_list(None)
        return rows[0] if rows else {"looked": 0, "number": 0}


def _changes_of(namespace: str) -> dict[str, Any]:
    """The expression of how many changes of a collection are in an entry: it may be one, or hold
    those of a transaction."""

    def is_one(entry: str) -> dict[str, Any]:
        of_it = {"$eq": [f"{entry}ns", namespace]}
        return {"$and": [of_it, {"$in": [f"{entry}op", ["i", "u", "d"]]}]}

    inside = {"$ifNull": ["$o.applyOps", []]}
    ones = {"$filter": {"input": inside, "as": "one", "cond": is_one("$$one.")}}
    # Of any other entry, `o` is a document of somebody's.
    inside_count = {"$cond": [{"$eq": ["$op", "c"]}, {"$size": ones}, 0]}
    return {"$cond": [is_one("$"), 1, inside_count]}
