"""Heartbeats: a process shows that it is alive, however busy its event loop is.

A row of the heartbeats collection says until when its id counts as live, by MongoDB's clock. A
thread renews the rows of its process with its own client, so that neither a blocked event loop nor
a pool of busy connections delays a renewal. A process that is killed or stopped renews nothing and
counts as dead HEARTBEAT_TIMEOUT_SECONDS later.
"""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from pymongo import MongoClient, UpdateOne, WriteConcern
from pymongo.collection import Collection
from pymongo.errors import PyMongoError
from pymongo.read_concern import ReadConcern

from app.store.collections import Database

HEARTBEAT_TIMEOUT_SECONDS = 3.0
HEARTBEAT_INTERVAL_SECONDS = 0.5
# Expired rows are deleted after this time, which is longer than any grace period.
_EXPIRED_ROW_RETENTION_SECONDS = 60.0
# A process whose event loop is blocked for longer counts as dead and loses its leases.
MAX_BLOCKED_LOOP_SECONDS = 60.0

_CLIENT_TIMEOUT_MILLISECONDS = 1_000

Row = dict[str, Any]
BlockingClient = MongoClient[Row]


def blocking_client(url: str) -> BlockingClient:
    """Returns a client for renewals: one connection, which times out before a heartbeat expires."""
    return MongoClient(
        url,
        appname="customer-segments heartbeats",
        maxPoolSize=1,
        serverSelectionTimeoutMS=_CLIENT_TIMEOUT_MILLISECONDS,
        connectTimeoutMS=_CLIENT_TIMEOUT_MILLISECONDS,
        socketTimeoutMS=_CLIENT_TIMEOUT_MILLISECONDS,
    )


class Heartbeats:
    """The heartbeats collection, and the thread that renews this process's rows in it."""

    def __init__(self, database: Database, connect: Callable[[], BlockingClient]) -> None:
        # Heartbeats are written and read without waiting for a majority.
        local = ReadConcern("local")
        self._heartbeats = database.get_collection("heartbeats", read_concern=local)
        self._database_name = database.name
        self._connect = connect
        self._client: BlockingClient | None = None
        # Guards the attributes below. A thread holds it while it writes the rows.
        self._lock = threading.Lock()
        self._use_counts: dict[str, int] = {}
        self._thread: threading.Thread | None = None
        self._loop_ran_at = 0.0

    async def live_ids(self, grace_seconds: float = 0) -> list[str]:
        """The ids whose heartbeat has not expired, or has for at most `grace_seconds`."""
        ends_at = {"$add": ["$expiresAt", round(grace_seconds * 1_000)]}
        not_expired = {"$expr": {"$gt": [ends_at, "$$NOW"]}}
        return [row["_id"] async for row in self._heartbeats.find(not_expired, {"_id": 1})]

    @asynccontextmanager
    async def keep_alive(self, id_: str) -> AsyncIterator[None]:
        """Keeps the id live while the context is open. Contexts of the same id may nest."""
        await asyncio.to_thread(self._start_use, id_, asyncio.get_running_loop())
        try:
            yield
        finally:
            await asyncio.to_thread(self._end_use, id_)

    def close(self) -> None:
        """Stops all renewals and closes the client."""
        with self._lock:
            self._use_counts.clear()
            if self._client is not None:
                self._client.close()
                self._client = None

    def _start_use(self, id_: str, loop: asyncio.AbstractEventLoop) -> None:
        with self._lock:
            self._use_counts[id_] = self._use_counts.get(id_, 0) + 1
            if self._use_counts[id_] > 1:
                return
            # If MongoDB is unreachable, the thread tries again.
            with suppress(PyMongoError):
                self._renew_all(self._writable_collection())
                self._delete_expired(self._writable_collection())
            if self._thread is None:
                self._loop_ran_at = time.monotonic()
                self._thread = threading.Thread(
                    target=self._renew_while_used, args=(loop,), name="heartbeats", daemon=True
                )
                self._thread.start()

    def _end_use(self, id_: str) -> None:
        with self._lock:
            remaining_uses = self._use_counts.get(id_, 0) - 1
            if remaining_uses > 0:
                self._use_counts[id_] = remaining_uses
            elif self._use_counts.pop(id_, None):
                # Others then need not wait until the row expires.
                with suppress(PyMongoError):
                    self._writable_collection().delete_one({"_id": id_})

    def _renew_while_used(self, loop: asyncio.AbstractEventLoop) -> None:
        while True:
            time.sleep(HEARTBEAT_INTERVAL_SECONDS)
            with self._lock:
                if not self._use_counts:
                    self._thread = None
                    return
                with suppress(RuntimeError):  # The loop is closed.
                    loop.call_soon_threadsafe(self._record_loop_run)
                if time.monotonic() - self._loop_ran_at > MAX_BLOCKED_LOOP_SECONDS:
                    continue
                with suppress(PyMongoError):
                    self._renew_all(self._writable_collection())

    def _record_loop_run(self) -> None:
        self._loop_ran_at = time.monotonic()

    def _writable_collection(self) -> Collection[Row]:
        if self._client is None:
            self._client = self._connect()
        # If an election rolls a heartbeat back, the next renewal comes before it expires.
        heartbeats: Collection[Row] = self._client[self._database_name].get_collection(
            "heartbeats", write_concern=WriteConcern(1)
        )
        return heartbeats

    def _renew_all(self, heartbeats: Collection[Row]) -> None:
        expires_at = {"$add": ["$$NOW", round(HEARTBEAT_TIMEOUT_SECONDS * 1_000)]}
        renewals = [
            UpdateOne({"_id": id_}, [{"$set": {"expiresAt": expires_at}}], upsert=True)
            for id_ in self._use_counts
        ]
        heartbeats.bulk_write(renewals, ordered=False)

    def _delete_expired(self, heartbeats: Collection[Row]) -> None:
        delete_at = {"$add": ["$expiresAt", round(_EXPIRED_ROW_RETENTION_SECONDS * 1_000)]}
        heartbeats.delete_many({"$expr": {"$lte": [delete_at, "$$NOW"]}})
