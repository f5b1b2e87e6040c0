"""What comes in: commits, read ahead of their settling, and the marks that come by among them."""

import asyncio
from collections import deque
from collections.abc import Collection, Sequence

from app.domain.changes import Commit
from app.store import Store

# So many answers of the stream wait to be settled.
_AHEAD = 3
_MARK_SECONDS = 0.2
_MARKS_A_LOOK = 5

Path = tuple[str, ...]


class Intake:
    """The stream from a place on, with what filters ask of customers and no more of them."""

    def __init__(
        self, store: Store, owner: str, held: Sequence[int], place: str, paths: Collection[Path]
    ) -> None:
        self._store = store
        self._owner = owner
        self._held = held
        self._marks = 0
        self._opened = 0
        self._ahead: asyncio.Queue[tuple[int, list[Commit]]] = asyncio.Queue(_AHEAD)
        self._waiting: deque[Commit] = deque()
        self.reopen(place, paths)

    def reopen(self, place: str, paths: Collection[Path]) -> None:
        """Goes on from a place with what other filters ask; forgets what was read ahead."""
        self._place, self._paths = place, frozenset(paths)
        self._opened += 1
        self._waiting.clear()

    def brings(self, paths: Collection[Path]) -> bool:
        """Whether all that lies at these paths comes in."""
        return self._paths.issuperset(paths)

    async def run(self) -> None:
        """Reads ahead, for ever."""
        while True:
            opened = self._opened
            stream = await self._store.stream(self._place, self._held, self._paths, self._owner)
            try:
                while opened == self._opened:
                    if commits := await stream.read():
                        await self._ahead.put((opened, commits))
            finally:
                await stream.close()

    async def keep_time(self) -> None:
        """Writes marks, for ever: they move time on where nothing else happens."""
        while True:
            if await self.mark() % _MARKS_A_LOOK == 0:
                await self._store.partitions.require(self._owner, self._held)
            await asyncio.sleep(_MARK_SECONDS)

    async def mark(self) -> int:
        """Writes a mark, and says its number; it will come by."""
        self._marks += 1
        mark = self._marks
        await self._store.partitions.mark(self._owner, mark)
        return mark

    async def next(self, most: int) -> list[Commit]:
        """The next commits, not many more changes than so many; waits for the first."""
        while not self._waiting:
            self._keep(*await self._ahead.get())
        while not self._ahead.empty() and len(self._waiting) < most:
            self._keep(*self._ahead.get_nowait())
        commits, changes = [], 0
        while self._waiting and changes < most:
            commits.append(self._waiting.popleft())
            changes += len(commits[-1].changes)
        return commits

    def _keep(self, opened: int, commits: list[Commit]) -> None:
        if opened == self._opened:
            self._waiting.extend(commits)

    def give_back(self, commits: Sequence[Commit]) -> None:
        """They come next again."""
        self._waiting.extendleft(reversed(commits))
