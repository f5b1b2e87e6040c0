"""Reads the definitions from MongoDB, and caches the newest ones."""

import asyncio
from contextvars import Context

from app.backoff import Backoff
from app.domain.metadata import MetadataSchema
from app.filters import Calendar, Filter
from app.filters.filter_json import FilterJson
from app.heap_freezer import HeapFreezer
from app.services.definitions import Definitions
from app.store import Store, Transaction
from app.store.definitions import DefinitionsVersion
from app.store.segments import DEFINITIONS_REVISION

_heap_freezer = HeapFreezer()


class DefinitionsReader:
    """Reads only the changes since the cached definitions.

    Every change of a definition increments the definitions revision in the same transaction, so a
    cached copy with the current revision is up to date. The cache holds only definitions that a
    majority has committed; uncommitted changes that a transaction reads are not cached.
    """

    def __init__(self, store: Store, calendar: Calendar) -> None:
        self._store = store
        self._calendar = calendar
        self._cached: Definitions | None = None
        self._read_lock = asyncio.Lock()
        self._pending_read: asyncio.Task[Definitions] | None = None

    @property
    def calendar(self) -> Calendar:
        """The project's calendar: its time zone and the first day of its week."""
        return self._calendar

    @property
    def cached(self) -> Definitions | None:
        """The cached definitions, which may be outdated; None before the first read."""
        return self._cached

    async def latest(self) -> Definitions:
        """Returns the newest committed definitions. Calls during a read share the next read."""
        if self._pending_read is None:
            # An own context, so that the deadline of one caller does not apply to the others.
            self._pending_read = asyncio.create_task(self._read_latest(), context=Context())
            self._pending_read.add_done_callback(_consume_exception)
        return await asyncio.shield(self._pending_read)

    async def _read_latest(self) -> Definitions:
        async with self._read_lock:
            # A caller from here on may expect a later commit, so it starts another read.
            self._pending_read = None
            return await self._read_until(await self._store.definitions.read_revision())

    async def parse_filter(self, filter_json: FilterJson, *path: str) -> Filter:
        """Parses a filter that is not saved. Raises InputError, with `path` before each problem's
        path, if it is invalid."""
        return await (await self.latest()).parse_input_filter(filter_json, *path)

    async def at_least(self, revision: int) -> Definitions:
        """Returns definitions of the revision or of a later one. Waits until a majority has
        committed the revision."""
        if self._cached is not None and self._cached.revision >= revision:
            return self._cached
        async with self._read_lock:
            return await self._read_until(revision)

    async def in_snapshot(self, transaction: Transaction) -> Definitions:
        """Returns the definitions in the snapshot of the transaction, or later ones. It takes no
        lock: a transaction that began before a change of definitions was committed uses the older
        ones. It does not wait until a majority has committed the change, which an election may
        still undo: then the transaction is not committed either."""
        revision = await self._store.read_revision(DEFINITIONS_REVISION, transaction)
        cached = self._cached
        if cached is None or cached.revision < revision:
            async with self._read_lock:
                cached = await self._read_changes()
        return await self._read_in_transaction(cached, revision, transaction)

    async def lock(self, transaction: Transaction) -> Definitions:
        """Returns the newest definitions and locks them until the transaction ends: any other
        transaction that changes definitions conflicts. Increments the revision, so the changes of
        this transaction have the revision after the returned one."""
        async with self._read_lock:
            # Most changes are read before the transaction takes the lock.
            cached = await self._read_changes()
        revision = await self._store.increment_revision(DEFINITIONS_REVISION, transaction) - 1
        return await self._read_in_transaction(cached, revision, transaction)

    async def _read_in_transaction(
        self, cached: Definitions, revision: int, transaction: Transaction
    ) -> Definitions:
        """Returns the cached definitions, or a private copy with the changes up to the revision
        that only the transaction sees."""
        if revision <= cached.revision:
            return cached
        changes = await self._store.definitions.read_delta(cached.version, transaction)
        return await cached.with_changes(changes, revision)

    async def _read_until(self, revision: int) -> Definitions:
        cached = self._cached
        # A new primary may learn late what the old one committed with a majority.
        backoff = Backoff(0.01, 0.5)
        while cached is None or cached.revision < revision:
            cached = await self._read_changes()
            if cached.revision < revision:
                await backoff.wait()
        return cached

    async def _read_changes(self) -> Definitions:
        """Reads the changes since the cached definitions, and caches the result."""
        cached = self._cached
        changes = await self._store.definitions.read_delta(cached.version if cached else None)
        if cached is None or changes.version.revision > cached.revision:
            base = cached or Definitions(DefinitionsVersion(0, 0), MetadataSchema(self._calendar))
            self._cached = cached = await base.with_changes(changes)
            _heap_freezer.freeze_if_grown(len(cached.segments))
        return cached


def _consume_exception(task: asyncio.Task[Definitions]) -> None:
    """Retrieves the exception of a read whose callers were all cancelled, so that asyncio does not
    report it as never retrieved."""
    if not task.cancelled():
        task.exception()
