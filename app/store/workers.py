"""The live engine workers, their reports, and the last error of any worker.

Each worker writes its report into its own row, outside of transactions. The heartbeat shows whether
the worker is alive, not the report: a busy event loop may delay reports.
"""

import os
import socket
from collections.abc import Mapping
from typing import Any

from app.domain.engine_status import EngineError, Worker, WorkerReport
from app.store.collections import Database
from app.store.heartbeats import Heartbeats

_LAST_ERROR_ID = "last"


class Workers:
    """The workers collection, and engineErrors: its single row outlives the worker."""

    def __init__(self, database: Database, heartbeats: Heartbeats) -> None:
        self._collection = database.workers
        self._heartbeats = heartbeats
        self._errors = database.engineErrors

    async def save_report(self, worker: str, report: WorkerReport) -> int:
        """Saves the worker's report and deletes those of dead workers.

        Returns the number of live workers, at least 1.
        """
        row = {
            **_process_fields(),
            "beganAt": {"$ifNull": ["$beganAt", _instant_ago(report.uptime_seconds)]},
            "changes": report.changes,
            "transitions": report.transitions,
            "changesPerSecond": report.changes_per_second,
            "transitionsPerSecond": report.transitions_per_second,
            "errors": report.errors,
            # An unchanged error keeps its instant, which would otherwise vary slightly.
            "error": {
                "$cond": [{"$eq": ["$errors", report.errors]}, "$error", _error_fields(report)]
            },
        }
        await self._collection.update_one({"_id": worker}, [{"$set": row}], upsert=True)
        live = {worker, *await self._heartbeats.live_ids()}
        await self._collection.delete_many({"_id": {"$nin": list(live)}})
        return max(1, await self._collection.count_documents({}))

    async def remove(self, worker: str) -> None:
        await self._collection.delete_one({"_id": worker})

    async def all(self) -> list[Worker]:
        """The live workers, oldest first."""
        query = {"_id": {"$in": await self._heartbeats.live_ids()}}
        return [_worker(row) async for row in self._collection.find(query).sort("beganAt", 1)]

    async def save_last_error(self, report: WorkerReport) -> None:
        """Saves the report's error as the last error of all workers."""
        row = [{"$set": {**_process_fields(), **_error_fields(report)}}]
        await self._errors.update_one({"_id": _LAST_ERROR_ID}, row, upsert=True)

    async def last_error(self) -> EngineError | None:
        row = await self._errors.find_one({"_id": _LAST_ERROR_ID})
        return None if row is None else _engine_error(row, row)


def _process_fields() -> dict[str, Any]:
    return {"host": {"$literal": socket.gethostname()}, "pid": os.getpid()}


def _error_fields(report: WorkerReport) -> dict[str, Any]:
    return {
        "message": {"$literal": report.last_error},
        "at": _instant_ago(report.last_error_age_seconds),
    }


def _instant_ago(seconds: float) -> dict[str, Any]:
    return {"$subtract": ["$$NOW", _milliseconds(seconds)]}


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1_000)


def _worker(row: Mapping[str, Any]) -> Worker:
    return Worker(
        id=row["_id"],
        host=row["host"],
        pid=row["pid"],
        started_at=row["beganAt"],
        changes=row["changes"],
        transitions=row["transitions"],
        changes_per_second=row["changesPerSecond"],
        transitions_per_second=row["transitionsPerSecond"],
        errors=row["errors"],
        last_error=_engine_error(row["error"], row) if row["errors"] else None,
    )


def _engine_error(error: Mapping[str, Any], process: Mapping[str, Any]) -> EngineError:
    return EngineError(error["message"], error["at"], process["host"], process["pid"])
