"""Chunks that were read outside the stream and are not applied yet.

Chunks and watermarks follow Netflix DBLog: see `chunk.py`.
"""

from collections import deque
from collections.abc import Sequence

from app.domain.changes import Commit, CustomerChange
from app.services.engine.change_reader import ChangeReader
from app.services.engine.chunk import Chunk
from app.services.engine.loader import DocumentVersions, Loader
from app.services.engine.progress import RunProgress

# Chunks that a reader reads before the oldest of them is committed.
_MAX_CHUNKS_AHEAD = 2


class PendingChunks:
    """The pending chunks of a run, in the order in which their reads began.

    The timer reader and the backfill reader add chunks. The partition processor applies a chunk
    when its watermark arrives in the stream.
    """

    def __init__(self, change_reader: ChangeReader, loader: Loader, progress: RunProgress) -> None:
        self._change_reader = change_reader
        self._loader = loader
        self._progress = progress
        self._chunks: list[Chunk] = []

    def begin(self, target_revision: int | None = None, after_id: str = "") -> Chunk:
        """Returns a new chunk for the fields that the filters read now.

        Call this before the read: changes that arrive from here on are dropped from the chunk.
        """
        paths = self._progress.active_filters.paths
        chunk = Chunk(paths, target_revision=target_revision, after_id=after_id)
        self._chunks.append(chunk)
        return chunk

    async def complete(self, chunk: Chunk) -> None:
        """Writes the chunk's watermark after its read, and loads long histories beforehand."""
        document_versions: DocumentVersions = {
            id_: (partition, [document]) for id_, (partition, document) in chunk.documents.items()
        }
        chunk.rows = await self._loader.prefetch(document_versions)
        chunk.watermark = await self._change_reader.write_watermark()

    def exclude_changed(self, changes: Sequence[CustomerChange]) -> None:
        """Drops the changed customers from all pending chunks."""
        for chunk in self._chunks:
            chunk.exclude_changed(changes)

    def due_chunks(self, commits: Sequence[Commit]) -> list[Chunk]:
        """The chunks whose watermark is in these commits."""
        return [
            chunk
            for chunk in self._chunks
            if any(chunk.is_due(commit.watermark) for commit in commits)
        ]

    def pop_due_chunks(self, watermark: int | None, chunks: list[Chunk]) -> list[Chunk]:
        """Removes the chunks that are due at the watermark from `chunks` and returns them. A chunk
        is stale if the filters read more fields by now than it has."""
        due_chunks = [chunk for chunk in chunks if chunk.is_due(watermark)]
        for chunk in due_chunks:
            chunks.remove(chunk)
            self._chunks.remove(chunk)
            chunk.is_stale = not chunk.paths.issuperset(self._progress.active_filters.paths)
        return due_chunks


class ReadAhead:
    """The chunks of one reader that are not committed. They limit how far it reads ahead."""

    def __init__(self) -> None:
        self._chunks: deque[Chunk] = deque()

    async def add(self, chunk: Chunk) -> Chunk | None:
        """Adds a chunk. If there are too many, waits until the oldest is committed and returns it,
        else returns None at once."""
        self._chunks.append(chunk)
        return await self._next_committed() if len(self._chunks) > _MAX_CHUNKS_AHEAD else None

    async def drain(self) -> None:
        """Waits until all chunks are committed."""
        while self._chunks:
            await self._next_committed()

    async def _next_committed(self) -> Chunk:
        chunk = self._chunks.popleft()
        await chunk.committed.wait()
        return chunk
