"""Questions of all documents: how long MongoDB may think about one, and on what room."""

from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from motor.motor_asyncio import AsyncIOMotorCommandCursor
from pymongo.errors import ExecutionTimeout

from app.errors import TookTooLong
from app.filters.operators import Query
from app.store.collections import Database
from app.store.lanes import Lane, lane
from app.store.reads import read_command, retried

Stage = dict[str, Any]

# All values, and all texts.
_EVERYTHING = frozenset({"[MinKey, MaxKey]", '["", {})'})


class Questions:
    """Questions of a collection, each with a limit of time. Few run at once: see lanes."""

    def __init__(self, database: Database, seconds: float) -> None:
        self._database = database
        self._seconds = seconds
        self._milliseconds = round(seconds * 1000)
        # Where 100 MB do not suffice for a stage, it goes on on disk.
        self._limits: dict[str, Any] = {"maxTimeMS": self._milliseconds, "allowDiskUse": True}

    async def answer(
        self, collection: str, stages: list[Stage], **options: Any
    ) -> list[dict[str, Any]]:
        """All documents that the stages leave; TookTooLong where there is no end to it."""

        async def ask() -> list[dict[str, Any]]:
            async with self._asked(collection, stages, options) as found:
                return list(await found.to_list(None))

        with lane(Lane.POPULATION):
            return await retried(ask)

    async def stream(
        self, collection: str, stages: list[Stage], **options: Any
    ) -> AsyncGenerator[dict[str, Any], None]:
        """The same documents, one by one."""
        async with self._asked(collection, stages, options) as found:
            # The lane must not be changed across a yield: a generator shares its caller's.
            while True:
                with lane(Lane.POPULATION):
                    document = await anext(found, None)
                if document is None:
                    return
                yield document

    async def first(
        self, collection: str, query: Query, most: int, **options: Any
    ) -> list[dict[str, Any]]:
        """At most so many of the documents of which the predicate holds, by id: what stages would
        bring, and a little sooner."""
        in_order: dict[str, Any] = {"sort": [("_id", 1)], "limit": most, "batch_size": most + 1}
        limits = {"max_time_ms": self._milliseconds, "allow_disk_use": True}

        async def ask() -> list[dict[str, Any]]:
            found = self._database[collection].find(query, **in_order, **options, **limits)
            return list(await found.to_list(None))

        with self._in_time(), lane(Lane.POPULATION):
            return await retried(ask)

    async def number(self, collection: str, query: Query, **options: Any) -> int:
        """Of how many documents the predicate holds: what stages would count, and sooner."""
        asked = {"count": collection, "query": query, "maxTimeMS": self._milliseconds, **options}
        with self._in_time(), lane(Lane.POPULATION):
            return int((await read_command(self._database, asked))["n"])

    @asynccontextmanager
    async def _asked(
        self, collection: str, stages: list[Stage], options: dict[str, Any]
    ) -> AsyncGenerator[AsyncIOMotorCommandCursor[dict[str, Any]], None]:
        found = self._database[collection].aggregate(stages, **options, **self._limits)
        try:
            with self._in_time():
                yield found
        finally:
            # What has come to its end is closed, and to close it again would take a while.
            if found.alive:  # type: ignore[truthy-function]
                await found.close()

    @contextmanager
    def _in_time(self) -> Iterator[None]:
        try:
            yield
        except ExecutionTimeout:
            raise TookTooLong(
                f"The database did not answer within {self._seconds:g} s; ask for less, narrow the"
                " filter down with a condition that an index serves, or raise"
                " SEGMENTS_QUERY_SECONDS."
            ) from None

    async def scans(self, collection: str, stages: list[Stage], **options: Any) -> bool:
        """Whether MongoDB would go through a whole collection, or a whole index, for the answer."""
        asked = {"aggregate": collection, "pipeline": stages, "cursor": {}, **options}
        return any(map(_unbounded, await self._plan(asked)))

    async def through_arrays(self, collection: str, query: Query) -> bool:
        """Whether MongoDB would answer by an index that has met an array at the query's path."""
        plan = await self._plan({"find": collection, "filter": query})
        return any(part.get("isMultiKey") for part in plan)

    async def _plan(self, asked: dict[str, Any]) -> list[dict[str, Any]]:
        """The parts of the plan for a command."""
        explain = {"explain": asked, "verbosity": "queryPlanner"}
        return list(_parts(await read_command(self._database, explain)))


def _parts(plan: Any) -> Iterator[dict[str, Any]]:
    """The parts of a plan as MongoDB explains it, without the plans that it rejects."""
    if isinstance(plan, list):
        for part in plan:
            yield from _parts(part)
    elif isinstance(plan, dict):
        yield plan
        for name, part in plan.items():
            if name != "rejectedPlans":
                yield from _parts(part)


def _unbounded(part: dict[str, Any]) -> bool:
    """Whether it goes through a whole collection, or an index of which the first key is not
    narrowed down; of a wildcard index the path is told beside it."""
    if part.get("stage") == "COLLSCAN":
        return True
    bounds: dict[str, list[str]] = part.get("indexBounds") or {}
    keys = [intervals for key, intervals in bounds.items() if key != "$_path"]
    return bool(keys) and not _EVERYTHING.isdisjoint(keys[0])
