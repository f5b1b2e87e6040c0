"""Ends reads in MongoDB that nobody waits for any more, as when a client disconnects.

The driver can't cancel a call that runs on a thread: MongoDB would go on until the time limit. So
the commands of an abandoned call are found in MongoDB by their session, which no other command uses
at the same time, and ended there.
"""

import asyncio
from collections.abc import Mapping
from contextvars import Context
from typing import Any

from bson import Binary
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import monitoring
from pymongo.errors import PyMongoError
from pymongo.read_concern import ReadConcern

from app.store.driver_calls import DriverCall, current_call

# What writes ends soon, and it is unclear what an interrupted write has written.
_READ_COMMANDS = frozenset({"aggregate", "count", "distinct", "explain", "find", "getMore"})
# Most reads end by themselves meanwhile.
_PAUSE_SECONDS = 0.1

_RunningRead = tuple[DriverCall, monitoring.CommandStartedEvent]


class OperationKiller(monitoring.CommandListener):
    """Listens to the commands of one client, and ends the reads of abandoned calls."""

    def __init__(self) -> None:
        self._client: AsyncIOMotorClient[Any] | None = None
        self._abandoned_calls: set[DriverCall] = set()
        self._task: asyncio.Task[None] | None = None

    def attach(self, client: AsyncIOMotorClient[Any]) -> None:
        """Sets the client, which needs its listeners before it exists."""
        self._client = client

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        if event.command_name in _READ_COMMANDS and (call := current_call()):
            call.begin_command(event, self._end_later)

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        self._forget_command()

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        self._forget_command()

    def _forget_command(self) -> None:
        if call := current_call():
            call.command = None

    def _end_later(self, call: DriverCall) -> None:
        assert self._client is not None
        self._client.get_io_loop().call_soon_threadsafe(self._end, call)

    def _end(self, call: DriverCall) -> None:
        self._abandoned_calls.add(call)
        if self._task is None or self._task.done():
            # An own context: neither the thread pool nor the deadline of a caller applies.
            self._task = asyncio.get_running_loop().create_task(self._end_all(), context=Context())

    async def _end_all(self) -> None:
        while self._abandoned_calls:
            await asyncio.sleep(_PAUSE_SECONDS)
            self._abandoned_calls = {call for call in self._abandoned_calls if not call.done()}
            reads = {
                _session_of(command): (call, command)
                for call in self._abandoned_calls
                if (command := call.command)
            }
            try:
                if reads:
                    await self._kill(reads)
            except PyMongoError:
                # The time limits of the reads remain.
                self._abandoned_calls.clear()

    async def _kill(self, reads: Mapping[Binary, _RunningRead]) -> None:
        assert self._client is not None
        # $currentOp accepts no other read concern.
        admin = self._client.get_database("admin", read_concern=ReadConcern("local"))
        stages: list[dict[str, Any]] = [
            {"$currentOp": {}},
            {"$match": {"lsid.id": {"$in": [*reads]}, "opid": {"$exists": True}}},
            {"$project": {"opid": 1, "lsid": 1}},
        ]
        async for operation in admin.aggregate(stages):
            call, command = reads[operation["lsid"]["id"]]
            # Otherwise another command may use the session by now.
            if call.command is command:
                await admin.command({"killOp": 1, "op": operation["opid"]})


def _session_of(command: monitoring.CommandStartedEvent) -> Binary:
    session_id: Binary = command.command["lsid"]["id"]
    return session_id
