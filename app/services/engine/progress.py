"""Where one worker stands."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from time import monotonic

from app.domain.changes import Commit, CustomerChange, DefinitionChange, PartitionProgress
from app.services.engine.active_filter_set import ActiveFilterSet
from app.services.engine.chunk import Chunk


class WorkerProgress:
    """How far its partitions have come, and by what definitions. Whoever takes what comes in moves
    it on; the others look."""

    def __init__(self, partition_progress: Mapping[int, PartitionProgress]) -> None:
        # As it was last written.
        self.committed_progress = dict(partition_progress)
        # Who is ahead of the oldest place waits there for the stream.
        self.position, self.instant = min(
            (progress.position, progress.reached_at) for progress in partition_progress.values()
        )
        self._advanced_at_seconds = monotonic()
        self.active_filters = ActiveFilterSet([])
        # Those come by, as far as not all customers have passed them.
        self.definition_changes: list[DefinitionChange] = []

    @property
    def partitions(self) -> list[int]:
        return list(self.committed_progress)

    @property
    def base_revision(self) -> int:
        """The revision that all customers have passed."""
        return min(progress.base_revision for progress in self.committed_progress.values())

    @property
    def head_revision(self) -> int:
        """The revision of the last step."""
        return (
            self.definition_changes[-1].revision if self.definition_changes else self.base_revision
        )

    @property
    def partitions_with_gaps(self) -> list[int]:
        """The partitions of whose customers some may have gone unheard of."""
        return [
            n
            for n in self.committed_progress
            if any(
                n in definition_change.gap_partitions
                for definition_change in self.definition_changes
            )
        ]

    def unprocessed_changes(self, commit: Commit) -> list[CustomerChange]:
        """The changes of customers who have not come past them yet."""
        return [
            change
            for change in commit.changes
            if change.partition in self.committed_progress
            and self.committed_progress[change.partition].position < commit.position
        ]

    def advance_to(self, commit: Commit) -> None:
        self.position = commit.position
        self.instant = max(self.instant, commit.committed_at)
        self._advanced_at_seconds = monotonic()

    @property
    def estimated_now(self) -> datetime:
        """What MongoDB's clock says by now, or a little less: the last instant of the stream and
        the time since it came."""
        return self.instant + timedelta(seconds=monotonic() - self._advanced_at_seconds)

    def instant_of(self, partition: int) -> datetime:
        """The instant at which a partition's customers are settled: never earlier than one that
        the partition has reached. Partitions may be at different positions, after a worker took
        them over or a poison change, and the clock of a new primary may be behind the old one's."""
        return max(self.instant, self.committed_progress[partition].reached_at)

    def progress_after(self, chunks: Sequence[Chunk]) -> dict[int, PartitionProgress]:
        """How far the partitions have come by now, with what was settled of readings."""
        advanced = {}
        for partition, progress in self.committed_progress.items():
            for chunk in chunks:
                target_revision = None if chunk.is_stale else chunk.target_revision
                if target_revision is not None and progress.needs_backfill(target_revision):
                    progress = progress.with_backfill_chunk(
                        target_revision, chunk.after_id, chunk.last_id
                    )
            position = max(progress.position, self.position)
            advanced[partition] = replace(
                progress, position=position, reached_at=self.instant_of(partition)
            )
        return advanced

    def mark_committed(self, partition_progress: dict[int, PartitionProgress]) -> None:
        """So far they have come for good."""
        self.committed_progress = partition_progress
        self.definition_changes = [
            definition_change
            for definition_change in self.definition_changes
            if definition_change.revision > self.base_revision
        ]
