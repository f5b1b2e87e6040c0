"""In-process locks for transactions that write the same document.

MongoDB aborts one of two transactions that write the same document. Many writers of one document
abort each other again and again; one after the other, each commits at the first attempt. So each
transaction names the keys of the documents that it writes. A key becomes contended at the first
write conflict of a transaction that names it. While a key is contended, transactions that name it
queue for its lock. It stops being contended when no transaction holds or awaits the lock.

The locks only avoid conflicts within one process. Correctness does not depend on them.
"""

import asyncio
from collections.abc import Collection, Iterable
from contextlib import suppress
from typing import Self

# After this time a transaction runs without the locks.
_MAX_WAIT_SECONDS = 5.0


class _LockQueue:
    """The lock of one contended key, and the number of transactions that hold or await it."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.holders_and_waiters = 0


class ContendedKeys:
    """The contended keys of this process."""

    def __init__(self) -> None:
        self._queues: dict[str, _LockQueue] = {}

    def lock(self, keys: Iterable[str]) -> "KeyLocks":
        return KeyLocks(self._queues, frozenset(keys))


class KeyLocks:
    """The locks of one transaction, as an async context manager.

    Entering acquires the locks of the keys that are contended already. After a write conflict,
    `lock_all_after_conflict` makes all keys of the transaction contended.
    """

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
        """Releases the locks that it holds, and acquires those of all keys."""
        if len(self._locked_keys) < len(self._keys):
            self._release()
            await self._acquire(self._keys)

    async def _acquire(self, keys: Collection[str]) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(_MAX_WAIT_SECONDS):
                # Always in the same order, so that there is no deadlock.
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
