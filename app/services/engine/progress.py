"""In-memory progress of one run over a worker's partitions, from commit to commit."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from time import monotonic

from app.domain.changes import Commit, CustomerChange
from app.domain.progress import DefinitionChange, PartitionProgress
from app.services.engine.active_filter_set import ActiveFilterSet
from app.services.engine.chunk import Chunk


class RunProgress:
    """The stream position of a run's partitions and the definitions that they have reached.

    Only the partition processor updates it; the readers of chunks and the loader read it.
    """

    def __init__(self, partition_progress: Mapping[int, PartitionProgress]) -> None:
        # The progress that the last committed transaction wrote.
        self.committed_progress = dict(partition_progress)
        # The stream starts at the smallest position. Partitions that are ahead skip the changes
        # before their own position: see unprocessed_changes().
        self.position, self.instant = min(
            (progress.position, progress.reached_at) for progress in partition_progress.values()
        )
        self._advanced_at_seconds = monotonic()
        self.active_filters = ActiveFilterSet([])
        # Definition changes that the stream has passed and not all customers have, in order of
        # revision.
        self.definition_changes: list[DefinitionChange] = []

    @property
    def partitions(self) -> list[int]:
        return list(self.committed_progress)

    @property
    def base_revision(self) -> int:
        """The highest revision that every customer of these partitions has reached."""
        return min(progress.base_revision for progress in self.committed_progress.values())

    @property
    def head_revision(self) -> int:
        """The revision of the last definition change that the stream has passed."""
        return (
            self.definition_changes[-1].revision if self.definition_changes else self.base_revision
        )

    @property
    def partitions_with_gaps(self) -> list[int]:
        """The partitions with lost history, in which deletions may have been missed."""
        return [
            partition
            for partition in self.committed_progress
            if any(
                partition in definition_change.gap_partitions
                for definition_change in self.definition_changes
            )
        ]

    def unprocessed_changes(self, commit: Commit) -> list[CustomerChange]:
        """The commit's changes in partitions whose committed position is before the commit."""
        return [
            change
            for change in commit.changes
            if change.partition in self.committed_progress
            and self.committed_progress[change.partition].position < commit.position
        ]

    def advance_to(self, commit: Commit) -> None:
        """Moves position and instant to the commit; the instant never goes back."""
        self.position = commit.position
        self.instant = max(self.instant, commit.committed_at)
        self._advanced_at_seconds = monotonic()

    @property
    def estimated_now(self) -> datetime:
        """An estimate of MongoDB's clock, never ahead of it: the instant of the last commit plus
        the time since that commit arrived."""
        return self.instant + timedelta(seconds=monotonic() - self._advanced_at_seconds)

    def instant_of(self, partition: int) -> datetime:
        """The instant at which a partition's customers are evaluated: never before one that the
        partition has reached.

        Partitions may be at different positions after a takeover or a poison change, and the clock
        of a new primary may be behind the old one's.
        """
        return max(self.instant, self.committed_progress[partition].reached_at)

    def progress_after(self, chunks: Sequence[Chunk]) -> dict[int, PartitionProgress]:
        """The progress to commit: the present position, and the backfill advanced by these
        chunks."""
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
        """Records that a transaction with this progress has committed."""
        self.committed_progress = partition_progress
        self.definition_changes = [
            definition_change
            for definition_change in self.definition_changes
            if definition_change.revision > self.base_revision
        ]
