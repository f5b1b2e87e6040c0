"""A loader collects the keys that the fields of an operation ask for, and reads them together."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Key = TypeVar("Key")
Item = TypeVar("Item")
Result = TypeVar("Result")

Read = Callable[[list[Key]], Awaitable[Sequence[Item | BaseException]]]
"""Returns the item of each key, in the order of the keys. An exception is raised for its key."""


class BatchLoader(Generic[Key, Item]):
    """Reads in one call the items of all keys that are asked for in consecutive turns of the event
    loop.

    `load` caches nothing: each read begins after the last of its keys was asked for. So a mutation
    sees the changes of those before.
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


class ObjectLoader(BatchLoader[Item, Result]):
    """A loader whose keys are objects that have been read. It reads once for an object that several
    rows share.

    A list of new objects can prefetch their results, so that its rows need no task each.
    """

    def __init__(self, read: Read[Item, Result]) -> None:
        super().__init__(self._read_distinct)
        self._read_items = read
        # By the identity of the object, which the entry keeps alive.
        self._prefetched: dict[int, tuple[Item, Result | BaseException]] = {}

    async def _read_distinct(self, items: list[Item]) -> list[Result | BaseException]:
        distinct_items = {id(item): item for item in items}
        results = await self._read_items(list(distinct_items.values()))
        results_by_item = dict(zip(distinct_items, results, strict=True))
        return [results_by_item[id(item)] for item in items]

    async def prefetch(self, items: Sequence[Item]) -> None:
        """Reads the results for objects that have just been read, for `get`."""
        results = await self._read_distinct(list(items))
        for item, result in zip(items, results, strict=True):
            self._prefetched[id(item)] = item, result

    def get(self, item: Item) -> Result | asyncio.Future[Result]:
        """Returns the result for the object if it has been prefetched; else its future result."""
        if entry := self._prefetched.get(id(item)):
            _, result = entry
            if isinstance(result, BaseException):
                raise result
            return result
        return self.load(item)


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
