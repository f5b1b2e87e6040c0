"""How far back the oplog and the images reach, and how many changes follow a position.

Results are None if the user has no permission, or on a mongos.
"""

from datetime import timedelta
from time import monotonic
from typing import Any

from bson import Timestamp
from pymongo.errors import ExecutionTimeout, OperationFailure

from app.domain.engine_status import BoundedCount, ImageRetention, OplogStats, RetentionWindows
from app.store.change_stream import cluster_time_of
from app.store.collections import Database
from app.store.limited_database import LimitedDatabase
from app.store.reads import run_read_command

_ENTRIES_PER_QUERY = 10_000
_MAX_QUERIES = 10
_MAX_COUNT_SECONDS = 0.5


class OplogReader:
    """Reads the oplog, which all databases share, and the settings of pre- and post-images."""

    def __init__(self, database: Database) -> None:
        self._admin = LimitedDatabase(database.client, "admin")
        self._local = LimitedDatabase(database.client, "local")
        self._entries = self._local["oplog.rs"]
        self._change_count = _change_count_expression(f"{database.name}.customers")

    async def read_windows(self) -> RetentionWindows:
        return RetentionWindows(await self._read_oplog(), await self._read_images())

    async def _read_oplog(self) -> OplogStats | None:
        try:
            stats = await run_read_command(self._local, {"collStats": "oplog.rs"})
            first, last = [
                await self._entries.find_one({}, {"ts": 1}, sort=[("$natural", order)])
                for order in (1, -1)
            ]
        except OperationFailure:
            return None
        seconds = last["ts"].time - first["ts"].time if first and last else 0
        return OplogStats(stats["size"], stats["maxSize"], timedelta(seconds=seconds))

    async def _read_images(self) -> ImageRetention | None:
        try:
            answer = await run_read_command(
                self._admin, {"getClusterParameter": "changeStreamOptions"}
            )
        except OperationFailure:
            return None
        images = answer["clusterParameters"][0].get("preAndPostImages", {})
        seconds = images.get("expireAfterSeconds", "off")
        return ImageRetention(None if seconds == "off" else timedelta(seconds=seconds))

    async def count_changes_after(self, position: str) -> BoundedCount | None:
        """Counts the changes of customers after a position.

        The count is a lower bound if there are too many to count quickly, or if the oplog no
        longer reaches back to the position.
        """
        after, changes, deadline = cluster_time_of(position), 0, monotonic() + _MAX_COUNT_SECONDS
        try:
            is_exact = await self._contains(after)
            for _ in range(_MAX_QUERIES):
                counts = await self._count_entries(after, deadline - monotonic())
                changes += counts["changes"]
                if counts["scanned"] < _ENTRIES_PER_QUERY:
                    return BoundedCount(changes, is_exact)
                after = counts["last"]
        except ExecutionTimeout:
            pass
        except OperationFailure:
            return None
        return BoundedCount(changes, is_exact=False)

    async def _contains(self, time: Timestamp) -> bool:
        """Whether the oplog still has an entry of that time."""
        first = await self._entries.find_one({"ts": {"$gte": time}}, {"ts": 1})
        return first is not None and first["ts"] == time

    async def _count_entries(self, after: Timestamp, seconds: float) -> dict[str, Any]:
        """Of the next entries: their number, the changes in them, and the time of the last."""
        stages: list[dict[str, Any]] = [
            {"$match": {"ts": {"$gt": after}}},
            {"$limit": _ENTRIES_PER_QUERY},
            {
                "$group": {
                    "_id": None,
                    "scanned": {"$sum": 1},
                    "changes": {"$sum": self._change_count},
                    "last": {"$last": "$ts"},
                }
            },
        ]
        max_milliseconds = max(1, round(seconds * 1_000))
        rows = await self._entries.aggregate(stages, maxTimeMS=max_milliseconds).to_list(None)
        return rows[0] if rows else {"scanned": 0, "changes": 0}


def _change_count_expression(namespace: str) -> dict[str, Any]:
    """The expression of the number of changes of a collection in an oplog entry.

    An entry is a single change, or it holds those of a transaction.
    """

    def is_change(entry: str) -> dict[str, Any]:
        is_in_namespace = {"$eq": [f"{entry}ns", namespace]}
        return {"$and": [is_in_namespace, {"$in": [f"{entry}op", ["i", "u", "d"]]}]}

    operations = {"$ifNull": ["$o.applyOps", []]}
    changes = {
        "$filter": {"input": operations, "as": "operation", "cond": is_change("$$operation.")}
    }
    # In other entries `o` is a document, which may have a field `applyOps`.
    transaction_changes = {"$cond": [{"$eq": ["$op", "c"]}, {"$size": changes}, 0]}
    return {"$cond": [is_change("$"), 1, transaction_changes]}
