"""Reads the change stream ahead of the evaluation, and writes watermarks into it."""

import asyncio
from collections import deque
from collections.abc import Collection, Sequence

from app.domain.changes import Commit, FieldPath
from app.store import Store

# Batches of the stream that are read and not yet processed.
_MAX_READ_AHEAD_BATCHES = 3
_WATERMARK_INTERVAL_SECONDS = 0.2
# One lease check per second: an idle worker notices a takeover without a transaction.
_WATERMARKS_PER_LEASE_CHECK = 5


class ChangeReader:
    """The change stream of a worker's partitions, with the fields that the filters read.

    `owner` is the lease owner id, and the id of the row that holds the watermarks.
    """

    def __init__(
        self,
        store: Store,
        owner: str,
        partitions: Sequence[int],
        position: str,
        paths: Collection[FieldPath],
    ) -> None:
        self._store = store
        self._owner = owner
        self._partitions = partitions
        self._last_watermark = 0
        self._generation = 0
        self._read_ahead: asyncio.Queue[tuple[int, list[Commit]]] = asyncio.Queue(
            _MAX_READ_AHEAD_BATCHES
        )
        self._buffer: deque[Commit] = deque()
        self.reopen(position, paths)

    def reopen(self, position: str, paths: Collection[FieldPath]) -> None:
        """Continues at a position with the fields of other filters; drops what was read ahead."""
        self._position = position
        self._paths = frozenset(paths)
        self._generation += 1
        self._buffer.clear()

    def covers(self, paths: Collection[FieldPath]) -> bool:
        """Whether the stream carries the fields at all of these paths."""
        return self._paths.issuperset(paths)

    async def run(self) -> None:
        """Reads ahead until it is cancelled. Raises HistoryLost, or an error of MongoDB."""
        while True:
            generation = self._generation
            stream = await self._store.open_change_stream(
                self._position, self._partitions, self._paths, self._owner
            )
            try:
                while generation == self._generation:
                    if commits := await stream.read():
                        await self._read_ahead.put((generation, commits))
            finally:
                await stream.close()

    async def write_watermarks(self) -> None:
        """Writes a watermark every 0.2 s until it is cancelled. Watermarks advance the clock of the
        stream when nothing else is committed.

        Raises LeaseLost if another worker has taken over a partition.
        """
        while True:
            if await self.write_watermark() % _WATERMARKS_PER_LEASE_CHECK == 0:
                await self._store.partitions.require_owner(self._owner, self._partitions)
            await asyncio.sleep(_WATERMARK_INTERVAL_SECONDS)

    async def write_watermark(self) -> int:
        """Writes the next watermark and returns its number. It arrives in the stream later."""
        self._last_watermark += 1
        watermark = self._last_watermark
        await self._store.watermarks.write(self._owner, watermark)
        return watermark

    async def next(self, max_changes: int) -> list[Commit]:
        """Returns the next commits, waiting for the first. The last one may exceed
        `max_changes`."""
        while not self._buffer:
            self._buffer_commits(*await self._read_ahead.get())
        while not self._read_ahead.empty() and len(self._buffer) < max_changes:
            self._buffer_commits(*self._read_ahead.get_nowait())
        commits: list[Commit] = []
        change_count = 0
        while self._buffer and change_count < max_changes:
            commits.append(self._buffer.popleft())
            change_count += len(commits[-1].changes)
        return commits

    def _buffer_commits(self, generation: int, commits: list[Commit]) -> None:
        if generation == self._generation:
            self._buffer.extend(commits)

    def put_back(self, commits: Sequence[Commit]) -> None:
        """Returns commits to the buffer: next() yields them again, in the same order."""
        self._buffer.extendleft(reversed(commits))
