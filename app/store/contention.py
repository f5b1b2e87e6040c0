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
_LONGEST_WAIT_SECONDS = 5.0


class _Queue:
    """Those who hold or await the turn of one key."""

    def __init__(self) -> None:
        self.turn = asyncio.Lock()
        self.length = 0


class ContendedKeys:
    """The keys that are contended in this process."""

    def __init__(self) -> None:
        self._queues: dict[str, _Queue] = {}

    def turn(self, keys: Iterable[str]) -> "Turn":
        return Turn(self._queues, frozenset(keys))


class Turn:
    """One transaction's turns. Entering waits for those of the keys that are contended; a conflict
    makes all of its keys contended."""

    def __init__(self, queues: dict[str, _Queue], keys: frozenset[str]) -> None:
        self._queues = queues
        self._keys = keys
        self._held: list[str] = []

    async def __aenter__(self) -> Self:
        await self._take([key for key in self._keys if key in self._queues])
        return self

    async def __aexit__(self, *_: object) -> None:
        self._release()

    async def after_conflict(self) -> None:
        """Waits for the turns of all keys."""
        if len(self._held) < len(self._keys):
            self._release()
            await self._take(self._keys)

    async def _take(self, keys: Collection[str]) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(_LONGEST_WAIT_SECONDS):
                # All take them in one order, so that no two wait for each other.
                for key in sorted(keys):
                    await self._take_one(key)

    async def _take_one(self, key: str) -> None:
        queue = self._queues.setdefault(key, _Queue())
        queue.length += 1
        try:
            await queue.turn.acquire()
        except BaseException:
            self._leave(key, queue)
            raise
        self._held.append(key)

    def _release(self) -> None:
        while self._held:
            key = self._held.pop()
            queue = self._queues[key]
            queue.turn.release()
            self._leave(key, queue)

    def _leave(self, key: str, queue: _Queue) -> None:
        queue.length -= 1
        if not queue.length:
            del self._queues[key]
