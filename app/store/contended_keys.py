"""Turns for transactions that write the same document.

MongoDB aborts one of two transactions that write one document. Many writers of one document abort
each other again and again; in turn, each commits at once. So transactions name the keys of what
they write. A key is contended from the first write conflict of a transaction that names it, until
no transaction holds or awaits its turn; while it is, new transactions that name it queue as well.

This spares conflicts within a process, and is nothing that correctness rests on.
"""

import asyncio
from collections.abc import Collection, Iterable
from contextlib import suppress
from typing import Self

# A transaction that has waited this long runs without its turn.
_MAX_WAIT_SECONDS = 5.0


class _LockQueue:
    """Those who hold or await the turn of one key."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.holders_and_waiters = 0


class ContendedKeys:
    """The keys that are contended in this process."""

    def __init__(self) -> None:
        self._queues: dict[str, _LockQueue] = {}

    def lock(self, keys: Iterable[str]) -> "KeyLocks":
        return KeyLocks(self._queues, frozenset(keys))


class KeyLocks:
    """One transaction's turns. Entering waits for those of the keys that are contended; a conflict
    makes all of its keys contended."""

    def __init__(self, queues: dict[str, _LockQueue], keys: frozenset[str]) -> None:
        self._queues = queues
        self._keys = keys
        self._locked_keys: list[str] = []

    async def __aenter__(self) -> Self:
        await self._acquire([key for key in self._keys if key in self._queues])
        return self

    async def __aexit__(self, *_: object) -> None:
        self._release()

    async def lock_all_after_conflict(self) -> None:
        """Waits for the turns of all keys."""
        if len(self._locked_keys) < len(self._keys):
            self._release()
            await self._acquire(self._keys)

    async def _acquire(self, keys: Collection[str]) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(_MAX_WAIT_SECONDS):
                # All take them in one order, so that no two wait for each other.
                for key in sorted(keys):
                    await self._acquire_key(key)

    async def _acquire_key(self, key: str) -> None:
        queue = self._queues.setdefault(key, _LockQueue())
        queue.holders_and_waiters += 1
        try:
            await queue.lock.acquire()
        except BaseException:
            self._leave_queue(key, queue)
            raise
        self._locked_keys.append(key)

    def _release(self) -> None:
        while self._locked_keys:
            key = self._locked_keys.pop()
            queue = self._queues[key]
            queue.lock.release()
            self._leave_queue(key, queue)

    def _leave_queue(self, key: str, queue: _LockQueue) -> None:
        queue.holders_and_waiters -= 1
        if not queue.holders_and_waiters:
            del self._queues[key]
