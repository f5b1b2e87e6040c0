"""Queries about all customers or rows, with a time limit and a thread pool of their own."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager
from math import inf
from time import monotonic
from typing import Any, TypeVar

from motor.motor_asyncio import AsyncIOMotorCommandCursor

from app.filters.operators import Query
from app.store.collections import Database
from app.store.reads import read_page, retry_read, run_read_command
from app.store.thread_pools import ThreadPool, use_thread_pool
from app.store.time_limit import to_milliseconds, translate_timeout

Stage = dict[str, Any]
Result = TypeVar("Result")

# The index bounds of all values, and of all texts.
_UNBOUNDED_INTERVALS = frozenset({"[MinKey, MaxKey]", '["", {})'})


class QueryBudget:
    """Runs queries with a time limit; few run at once (see ThreadPool.POPULATION_QUERIES).

    Each query takes at most `max_seconds`, and ends before `deadline_seconds` of the monotonic
    clock. All methods raise QueryTimeout when MongoDB exceeds the limit.
    """

    def __init__(
        self, database: Database, max_seconds: float, deadline_seconds: float = inf
    ) -> None:
        self._database = database
        self._max_seconds = max_seconds
        self._deadline_seconds = deadline_seconds

    def within(self, seconds: float) -> "QueryBudget":
        """Returns a budget whose queries all end within `seconds` from now."""
        return QueryBudget(self._database, self._max_seconds, monotonic() + seconds)

    @property
    def _max_milliseconds(self) -> int:
        return to_milliseconds(min(self._max_seconds, self._deadline_seconds - monotonic()))

    async def aggregate(
        self, collection: str, stages: list[Stage], **options: Any
    ) -> list[dict[str, Any]]:
        """Returns all result documents of the pipeline."""

        async def run() -> list[dict[str, Any]]:
            async with self._open_cursor(collection, stages, options) as cursor:
                return list(await cursor.to_list(None))

        with use_thread_pool(ThreadPool.POPULATION_QUERIES):
            return await retry_read(run)

    async def stream(
        self, collection: str, stages: list[Stage], batch_size: int, **options: Any
    ) -> AsyncGenerator[list[dict[str, Any]], None]:
        """Yields the result documents of the pipeline in batches."""
        options["batchSize"] = batch_size
        async with self._open_cursor(collection, stages, options) as cursor:
            # Not across the yield: a generator runs in the context of its caller.
            while True:
                with use_thread_pool(ThreadPool.POPULATION_QUERIES):
                    batch = await cursor.to_list(batch_size)
                if not batch:
                    return
                yield batch

    async def read_page(
        self, collection: str, stages: list[Stage], limit: int, **options: Any
    ) -> list[dict[str, Any]]:
        """The result documents of a pipeline, at most `limit`. Raises PageTooLarge."""
        command = {"aggregate": collection, "pipeline": stages, "allowDiskUse": True, **options}
        command["cursor"] = {"batchSize": limit + 1}
        return await self._run(command, read_page)

    async def find_by_id_order(
        self, collection: str, query: Query, limit: int, **options: Any
    ) -> list[dict[str, Any]]:
        """At most `limit` documents that match, by id. A little faster than `read_page`. Raises
        PageTooLarge."""
        command = {"find": collection, "filter": query, "sort": {"_id": 1}, "limit": limit}
        options = {"batchSize": limit + 1, "allowDiskUse": True, **options}
        return await self._run({**command, **options}, read_page)

    async def count(self, collection: str, query: Query, **options: Any) -> int:
        """The number of documents that match. Faster than `aggregate` with `$count`."""
        command = {"count": collection, "query": query, **options}
        return int((await self._run(command, run_read_command))["n"])

    async def count_results(self, collection: str, stages: list[Stage]) -> int:
        """The number of result documents of the pipeline."""
        pipeline = [*stages, {"$count": "count"}]
        command = {"aggregate": collection, "pipeline": pipeline, "cursor": {}}
        answer = await self._run({**command, "allowDiskUse": True}, run_read_command)
        return sum(int(document["count"]) for document in answer["cursor"]["firstBatch"])

    async def _run(
        self,
        command: dict[str, Any],
        read: Callable[[Database, dict[str, Any]], Awaitable[Result]],
    ) -> Result:
        with self._translate_timeout(), use_thread_pool(ThreadPool.POPULATION_QUERIES):
            return await read(self._database, {**command, "maxTimeMS": self._max_milliseconds})

    @asynccontextmanager
    async def _open_cursor(
        self, collection: str, stages: list[Stage], options: dict[str, Any]
    ) -> AsyncGenerator[AsyncIOMotorCommandCursor[dict[str, Any]], None]:
        cursor = self._database[collection].aggregate(
            stages,
            maxTimeMS=self._max_milliseconds,
            # A stage that needs more than 100 MB of memory continues on disk.
            allowDiskUse=True,
            **options,
        )
        try:
            with self._translate_timeout():
                yield cursor
        finally:
            # An exhausted cursor is closed already; closing it again would only take time.
            if cursor.alive:  # type: ignore[truthy-function]
                # A query that is cancelled while it waits for a thread must not wait for another.
                with use_thread_pool(ThreadPool.REQUESTS):
                    await cursor.close()

    def _translate_timeout(self) -> AbstractContextManager[None]:
        return translate_timeout(self._max_seconds)

    async def is_full_scan(self, collection: str, stages: list[Stage], **options: Any) -> bool:
        """Whether MongoDB would scan a whole collection or index to answer."""
        command = {"aggregate": collection, "pipeline": stages, "cursor": {}, **options}
        return any(map(_is_unbounded, await self._explain(command)))

    async def is_multikey(self, collection: str, query: Query) -> bool:
        """Whether MongoDB would use an index that has seen an array at the query's path."""
        plan = await self._explain({"find": collection, "filter": query})
        return any(stage.get("isMultiKey") for stage in plan)

    async def _explain(self, command: dict[str, Any]) -> list[dict[str, Any]]:
        """The stages of the winning plan of a command."""
        explain = {"explain": command, "verbosity": "queryPlanner"}
        return list(_plan_stages(await run_read_command(self._database, explain)))


def _plan_stages(plan: Any) -> Iterator[dict[str, Any]]:
    """The stages in the output of explain, without those of rejected plans."""
    if isinstance(plan, list):
        for child in plan:
            yield from _plan_stages(child)
    elif isinstance(plan, dict):
        yield plan
        for name, child in plan.items():
            if name != "rejectedPlans":
                yield from _plan_stages(child)


def _is_unbounded(stage: dict[str, Any]) -> bool:
    """Whether the stage scans a whole collection, or an index without bounds on its first key.

    The first key of a wildcard index is `$_path`, which always has bounds.
    """
    if stage.get("stage") == "COLLSCAN":
        return True
    bounds: dict[str, list[str]] = stage.get("indexBounds") or {}
    keys = [intervals for key, intervals in bounds.items() if key != "$_path"]
    return bool(keys) and not _UNBOUNDED_INTERVALS.isdisjoint(keys[0])
