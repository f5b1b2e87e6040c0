"""Which workers are there, how they say they are doing, and what went wrong last in any of them.

A worker says so in a row of its own, which no transaction waits for: it is there as long as it says
so again and again, by MongoDB's clock.
"""

import os
import socket
from collections.abc import Mapping
from typing import Any

from app.domain.engine import EngineError, Report, Worker
from app.store.collections import Database

LEASE_SECONDS = 3.0
_LAST = "last"


class Workers:
    """The workers collection; and engineErrors, whose one row outlives the worker it tells of."""

    def __init__(self, database: Database) -> None:
        self._collection = database.workers
        self._errors = database.engineErrors

    async def join(self, worker: str, report: Report) -> int:
        """Says that the worker is there, for a lease, and how it is doing; and how many are there,
        itself included."""
        row = {
            **_process(),
            "until": {"$add": ["$$NOW", _milliseconds(LEASE_SECONDS)]},
            "beganAt": {"$ifNull": ["$beganAt", _ago(report.seconds)]},
            "changes": report.changes,
            "transitions": report.transitions,
            "changesPerSecond": report.changes_per_second,
            "transitionsPerSecond": report.transitions_per_second,
            "errors": report.errors,
            # What was said before stays as it is: said again, its instant would be a little other.
            "error": {"$cond": [{"$eq": ["$errors", report.errors]}, "$error", _error(report)]},
        }
        await self._collection.update_one({"_id": worker}, [{"$set": row}], upsert=True)
        return max(1, len(await self.ids()))

    async def part(self, worker: str) -> None:
        await self._collection.delete_one({"_id": worker})

    async def ids(self) -> list[str]:
        """Those who are there; of others nothing is left."""
        await self._collection.delete_many({"$expr": {"$lte": ["$until", "$$NOW"]}})
        return [row["_id"] async for row in self._collection.find({}, {"_id": 1})]

    async def all(self) -> list[Worker]:
        """Those who are there, the oldest first."""
        there = {"$expr": {"$gt": ["$until", "$$NOW"]}}
        return [_worker(row) async for row in self._collection.find(there).sort("beganAt", 1)]

    async def keep_error(self, report: Report) -> None:
        """Makes the report's error the last one of all."""
        row = [{"$set": {**_process(), **_error(report)}}]
        await self._errors.update_one({"_id": _LAST}, row, upsert=True)

    async def last_error(self) -> EngineError | None:
        row = await self._errors.find_one({"_id": _LAST})
        return None if row is None else _engine_error(row, row)


def _process() -> dict[str, Any]:
    return {"host": {"$literal": socket.gethostname()}, "pid": os.getpid()}


def _error(report: Report) -> dict[str, Any]:
    return {"message": {"$literal": report.error}, "at": _ago(report.error_seconds)}


def _ago(seconds: float) -> dict[str, Any]:
    return {"$subtract": ["$$NOW", _milliseconds(seconds)]}


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1_000)


def _worker(row: Mapping[str, Any]) -> Worker:
    return Worker(
        id=row["_id"],
        host=row["host"],
        pid=row["pid"],
        began_at=row["beganAt"],
        changes=row["changes"],
        transitions=row["transitions"],
        changes_per_second=row["changesPerSecond"],
        transitions_per_second=row["transitionsPerSecond"],
        errors=row["errors"],
        last_error=_engine_error(row["error"], row) if row["errors"] else None,
    )


def _engine_error(said: Mapping[str, Any], process: Mapping[str, Any]) -> EngineError:
    return EngineError(said["message"], said["at"], process["host"], process["pid"])
