"""The progress of exports for subscribers: one reader per process, shared by all of them."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager

from app.domain.exports import Export
from app.services.polling import poll_forever, wait
from app.store import Store

_POLL_SECONDS = 0.4


class _Watcher:
    """One subscription. It keeps only the newest state that is not delivered yet."""

    def __init__(self, delivered: Export) -> None:
        self._delivered: Export | None = delivered
        self._newest: Export | None = delivered
        self._changed = asyncio.Event()

    def put(self, export: Export | None) -> None:
        self._newest = export
        if export != self._delivered:
            self._changed.set()

    async def next(self) -> Export | None:
        """Waits for a new state and returns it; None if the export has been deleted."""
        await self._changed.wait()
        self._changed.clear()
        self._delivered = self._newest
        return self._newest


class ExportFeed:
    """Reads all watched exports with one query per tick."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._watchers: dict[str, set[_Watcher]] = {}
        self._wake_event = asyncio.Event()

    @property
    def watched_count(self) -> int:
        """The number of exports that have a subscriber."""
        return len(self._watchers)

    async def follow(self, export: Export) -> AsyncGenerator[Export, None]:
        """Yields the export, and again each time that it has advanced, until it has ended. A slow
        consumer gets the newest state only."""
        current: Export | None = export
        with self._watch(export) as watcher:
            while current is not None:
                yield current
                if current.status.has_ended:
                    return
                current = await watcher.next()

    @contextmanager
    def _watch(self, export: Export) -> Iterator[_Watcher]:
        watcher = _Watcher(export)
        self._watchers.setdefault(export.id, set()).add(watcher)
        self._wake_event.set()
        try:
            yield watcher
        finally:
            self._watchers[export.id].remove(watcher)
            if not self._watchers[export.id]:
                del self._watchers[export.id]

    async def run(self) -> None:
        """Reads and delivers until it is cancelled."""
        await poll_forever(self._read, self._wait, "can't read the exports; retrying")

    async def _wait(self) -> None:
        if self._watchers:
            await asyncio.sleep(_POLL_SECONDS)
        else:
            await wait(self._wake_event, None)

    async def _read(self) -> bool:
        # Those who begin to watch during the read wait for the next one.
        watchers_by_id = {id_: tuple(watchers) for id_, watchers in self._watchers.items()}
        if watchers_by_id:
            exports = await self._store.exports.get_many(watchers_by_id)
            for id_, watchers in watchers_by_id.items():
                for watcher in watchers:
                    watcher.put(exports.get(id_))
        return False
