"""Ends queries in MongoDB whose task was cancelled, for example because the client disconnected.

The driver can't cancel a call that runs on a thread: MongoDB would go on until the time limit.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

from pymongo.errors import PyMongoError
from pymongo.read_concern import ReadConcern

from app.store.collections import Database
from app.store.thread_pools import ThreadPool, use_thread_pool

# A call may reach MongoDB a moment after its task was cancelled.
_ATTEMPTS = 5
_PAUSE_SECONDS = 0.1

_kill_tasks: set[asyncio.Task[None]] = set()


class OperationKiller:
    """Finds the operations of this program by their comments, and ends them."""

    def __init__(self, database: Database) -> None:
        # $currentOp accepts no other read concern.
        self._admin = database.client.get_database("admin", read_concern=ReadConcern("local"))

    @contextmanager
    def killing_if_cancelled(self) -> Iterator[str]:
        """Yields a comment for commands. Ends those with the comment if the task is cancelled in
        the block."""
        comment = uuid4().hex
        try:
            yield comment
        except asyncio.CancelledError:
            with use_thread_pool(ThreadPool.REQUESTS):
                task = asyncio.create_task(self._kill(comment))
            _kill_tasks.add(task)
            task.add_done_callback(_kill_tasks.discard)
            raise

    async def _kill(self, comment: str) -> None:
        stages: list[dict[str, Any]] = [
            {"$currentOp": {}},
            {"$match": {"command.comment": comment}},
            {"$project": {"opid": 1}},
        ]
        for attempt in range(_ATTEMPTS):
            if attempt:
                await asyncio.sleep(_PAUSE_SECONDS)
            try:
                async for operation in self._admin.aggregate(stages):
                    await self._admin.command({"killOp": 1, "op": operation["opid"]})
            except PyMongoError:
                # The time limit of the query remains.
                return
