"""A loader collects the keys that the fields of an operation ask for, and reads them together."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Key = TypeVar("Key")
Item = TypeVar("Item")

Read = Callable[[list[Key]], Awaitable[Sequence[Item | BaseException]]]
"""Returns the item of each key, in the order of the keys. An exception is raised for its key."""


class BatchLoader(Generic[Key, Item]):
    """Reads in one call the items of all keys that are asked for in consecutive turns of the event
    loop.

    It caches nothing: each read begins after the last of its keys was asked for. So a mutation sees
    the changes of those before.
    """

    def __init__(self, read: Read[Key, Item]) -> None:
        self._read = read
        self._open_batch: _Batch[Key, Item] | None = None

    def load(self, key: Key) -> asyncio.Future[Item]:
        """Returns the future item of the key."""
        if self._open_batch is None:
            self._open_batch = _Batch()
            asyncio.get_running_loop().call_soon(self._close_batch, 1)
        return self._open_batch.add(key)

    def _close_batch(self, key_count: int) -> None:
        """Reads the open batch, unless keys were added in the last turn: more may follow.

        Rows that are nested differently ask a turn or two apart.
        """
        batch = self._open_batch
        assert batch is not None
        if len(batch) > key_count:
            asyncio.get_running_loop().call_soon(self._close_batch, len(batch))
            return
        self._open_batch = None
        batch.start(self._read)


class _Batch(Generic[Key, Item]):
    """Keys, and the future item of each. Ends its read when nobody waits for an item any more."""

    def __init__(self) -> None:
        self._keys: list[Key] = []
        self._futures: list[asyncio.Future[Item]] = []
        self._cancelled_count = 0
        self._task: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._keys)

    def add(self, key: Key) -> asyncio.Future[Item]:
        future: asyncio.Future[Item] = asyncio.get_running_loop().create_future()
        future.add_done_callback(self._count_cancelled)
        self._keys.append(key)
        self._futures.append(future)
        return future

    def start(self, read: Read[Key, Item]) -> None:
        if self._cancelled_count < len(self._futures):
            self._task = asyncio.create_task(self._run(read))

    def _count_cancelled(self, future: asyncio.Future[Item]) -> None:
        self._cancelled_count += future.cancelled()
        if self._task is not None and self._cancelled_count == len(self._futures):
            self._task.cancel()

    async def _run(self, read: Read[Key, Item]) -> None:
        try:
            items = await read(self._keys)
        except Exception as error:  # noqa: BLE001 - raised where the items are awaited
            items = [error] * len(self._keys)
        for future, item in zip(self._futures, items, strict=True):
            if future.done():
                continue
            if isinstance(item, BaseException):
                future.set_exception(item)
                # Marks it as retrieved: who waited for it may have been cancelled since.
                future.exception()
            else:
                future.set_result(item)
