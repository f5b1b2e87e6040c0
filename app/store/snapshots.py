"""Reads that see a single snapshot."""

from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorClientSession
from pymongo.errors import OperationFailure

from app.backoff import Backoff
from app.store.sessions import never_reuse

# SnapshotUnavailable: a collection or an index is newer than the majority-committed snapshot.
_SNAPSHOT_UNAVAILABLE = 246
_BACKOFF_SECONDS = (0.01, 0.5)

Result = TypeVar("Result")
Read = Callable[[AsyncIOMotorClientSession], Coroutine[Any, Any, Result]]


@asynccontextmanager
async def snapshot_session(
    client: AsyncIOMotorClient[Any],
) -> AsyncIterator[AsyncIOMotorClientSession]:
    """Opens a session whose reads see one majority-committed snapshot.

    After a cancelled read nothing else uses the session. The driver's thread still does, and the
    operation killer would end whatever else the session runs.
    """
    async with await client.start_session(snapshot=True) as session:
        try:
            yield session
        except BaseException:
            never_reuse(session)
            raise


async def read_snapshot(client: AsyncIOMotorClient[Any], read: Read[Result]) -> Result:
    """Runs `read` with a session whose reads see one majority-committed snapshot.

    Returns the result of `read`, which may run more than once.
    """
    backoff = Backoff(*_BACKOFF_SECONDS)
    while True:
        try:
            async with snapshot_session(client) as session:
                return await read(session)
        except OperationFailure as error:
            if error.code != _SNAPSHOT_UNAVAILABLE:
                raise
        await backoff.wait()
