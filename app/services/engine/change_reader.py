"""What comes in: commits, read ahead of their settling, and the marks that come by among them."""

import asyncio
from collections import deque
from collections.abc import Collection, Sequence

from app.domain.changes import Commit
from app.store import Store

# So many answers of the stream wait to be settled.
_MAX_READ_AHEAD_BATCHES = 3
_WATERMARK_INTERVAL_SECONDS = 0.2
_WATERMARKS_PER_LEASE_CHECK = 5

FieldPath = tuple[str, ...]


class ChangeReader:
    """The stream from a place on, with what filters ask of customers and no more of them."""

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
        """Goes on from a place with what other filters ask; forgets what was read ahead."""
        self._position, self._paths = position, frozenset(paths)
        self._generation += 1
        self._buffer.clear()

    def covers(self, paths: Collection[FieldPath]) -> bool:
        """Whether all that lies at these paths comes in."""
        return self._paths.issuperset(paths)

    async def run(self) -> None:
        """Reads ahead, for ever."""
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
        """Writes marks, for ever: they move time on where nothing else happens."""
        while True:
            if await self.write_watermark() % _WATERMARKS_PER_LEASE_CHECK == 0:
                await self._store.partitions.require_owner(self._owner, self._partitions)
            await asyncio.sleep(_WATERMARK_INTERVAL_SECONDS)

    async def write_watermark(self) -> int:
        """Writes a mark, and says its number; it will come by."""
        self._last_watermark += 1
        watermark = self._last_watermark
        await self._store.watermarks.write(self._owner, watermark)
        return watermark

    async def next(self, max_changes: int) -> list[Commit]:
        """The next commits, not many more changes than so many; waits for the first."""
        while not self._buffer:
            self._buffer_commits(*await self._read_ahead.get())
        while not self._read_ahead.empty() and len(self._buffer) < max_changes:
            self._buffer_commits(*self._read_ahead.get_nowait())
        commits, change_count = [], 0
        while self._buffer and change_count < max_changes:
            commits.append(self._buffer.popleft())
            change_count += len(commits[-1].changes)
        return commits

    def _buffer_commits(self, generation: int, commits: list[Commit]) -> None:
        if generation == self._generation:
            self._buffer.extend(commits)

    def put_back(self, commits: Sequence[Commit]) -> None:
        """They come next again."""
        self._buffer.extendleft(reversed(commits))
