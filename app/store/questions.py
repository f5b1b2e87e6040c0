"""Questions of all documents: how long MongoDB may think about one, and on what room."""

from collections.abc import AsyncGenerator
from typing import Any

from pymongo.errors import ExecutionTimeout

from app.errors import TookTooLong
from app.store.collections import Database

Stage = dict[str, Any]

# All values, and all texts.
_EVERYTHING = frozenset({"[MinKey, MaxKey]", '["", {})'})


class Questions:
    """Aggregations, each with a limit of time."""

    def __init__(self, database: Database, seconds: float) -> None:
        self._database = database
        self._seconds = seconds
        # Where 100 MB do not suffice for a stage, it goes on on disk.
        self._limits: dict[str, Any] = {"maxTimeMS": round(seconds * 1000), "allowDiskUse": True}

    async def answer(
        self, collection: str, stages: list[Stage], **options: Any
    ) -> list[dict[str, Any]]:
        """All documents that the stages leave; TookTooLong where there is no end to it."""
        return [document async for document in self.stream(collection, stages, **options)]

    async def stream(
        self, collection: str, stages: list[Stage], **options: Any
    ) -> AsyncGenerator[dict[str, Any], None]:
        """The same documents, one by one."""
        found = self._database[collection].aggregate(stages, **options, **self._limits)
        try:
            async for document in found:
                yield document
        except ExecutionTimeout:
            raise TookTooLong(
                f"The database did not answer within {self._seconds:g} s; ask for less, narrow the"
                " filter down with a condition that an index serves, or raise"
                " SEGMENTS_QUERY_SECONDS."
            ) from None
        finally:
            await found.close()

    async def scans(self, collection: str, stages: list[Stage]) -> bool:
        """Whether MongoDB would go through a whole collection, or a whole index, for the answer."""
        asked = {"aggregate": collection, "pipeline": stages, "cursor": {}}
        return _scans(await self._database.command("explain", asked, verbosity="queryPlanner"))


def _scans(plan: Any) -> bool:
    """Whether a part of a plan, as MongoDB explains it, is bounded by nothing."""
    if isinstance(plan, list):
        return any(map(_scans, plan))
    if not isinstance(plan, dict):
        return False
    if plan.get("stage") == "COLLSCAN" or _unbounded(plan.get("indexBounds") or {}):
        return True
    return any(_scans(part) for name, part in plan.items() if name != "rejectedPlans")


def _unbounded(bounds: dict[str, list[str]]) -> bool:
    """Whether the first of an index's keys is not narrowed down; of a wildcard index the path is
    told beside it."""
    keys = [intervals for key, intervals in bounds.items() if key != "$_path"]
    return bool(keys) and not _EVERYTHING.isdisjoint(keys[0])
