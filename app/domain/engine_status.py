"""How the engine is doing: as each worker says of itself, and as it is seen from outside."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from app.domain.changes import PartitionProgress, PoisonChange
from app.domain.consumers import ConsumerStatus

# So full, an oplog loses its oldest part as it grows.
_FULL_OPLOG_RATIO = 0.9


class BoundedCount(NamedTuple):
    """A number; or, where it is not exact, at least that many: somewhere counting must end."""

    number: int
    is_exact: bool = True


@dataclass(frozen=True, slots=True)
class WorkerReport:
    """What a worker says of itself. Its instants are so many seconds ago: clocks differ."""

    uptime_seconds: float
    changes: int
    transitions: int
    changes_per_second: float
    transitions_per_second: float
    errors: int = 0
    last_error: str = ""
    last_error_age_seconds: float = 0


@dataclass(frozen=True, slots=True)
class EngineError:
    """What went wrong, when by MongoDB's clock, and in which process."""

    message: str
    occurred_at: datetime
    host: str
    pid: int


@dataclass(frozen=True, slots=True)
class Worker:
    """One that is there: what it has done since it began, and does in a second now."""

    id: str
    host: str
    pid: int
    started_at: datetime
    changes: int
    transitions: int
    changes_per_second: float
    transitions_per_second: float
    errors: int
    last_error: EngineError | None


@dataclass(frozen=True, slots=True)
class PartitionStatus:
    """How far a part of the customers has come, and the id of the worker that has taken it."""

    number: int
    progress: PartitionProgress
    worker_id: str
    poison_change: PoisonChange | None = None


@dataclass(frozen=True, slots=True)
class OplogStats:
    """How much of its room it fills, and how far it goes back."""

    size_bytes: int
    max_size_bytes: int
    window: timedelta

    @property
    def is_full(self) -> bool:
        return self.size_bytes > _FULL_OPLOG_RATIO * self.max_size_bytes


@dataclass(frozen=True, slots=True)
class ImageRetention:
    """How long the images of customers are kept; None for as long as the oplog."""

    retention: timedelta | None


@dataclass(frozen=True, slots=True)
class RetentionWindows:
    """The oplog and the images; None for what can't be seen."""

    oplog: OplogStats | None
    images: ImageRetention | None

    @property
    def oplog_window(self) -> timedelta | None:
        """How far the oplog goes back; None where that can't be seen."""
        return self.oplog.window if self.oplog else None

    @property
    def image_retention(self) -> timedelta | None:
        """How long images are kept; None for as long as the oplog, and where it can't be seen."""
        return self.images.retention if self.images else None

    @property
    def resume_window(self) -> timedelta | None:
        """How far back what happened to customers is known; None where nobody can tell."""
        if self.oplog is None or self.images is None:
            return None
        oplog_window = self.oplog.window if self.oplog.is_full else None
        return min(filter(None, (oplog_window, self.images.retention)), default=None)


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """All that is to be seen of the engine at an instant, by MongoDB's clock."""

    observed_at: datetime
    partitions: Sequence[PartitionStatus]
    workers: Sequence[Worker]
    # None where the program may not read the oplog.
    changes_behind: BoundedCount | None
    due_timers: BoundedCount
    next_timer_at: datetime | None
    active_segment_count: int
    # Where the log of transitions ends.
    last_sequence: int
    # Of the customers, by a step of the definitions; None where no step is under way.
    backfilled_ratio: float | None
    retention_windows: RetentionWindows
    last_error: EngineError | None
    consumers: Sequence[ConsumerStatus]

    @property
    def slowest_partition(self) -> PartitionStatus | None:
        """None where the engine was never started."""
        return find_slowest_partition(self.partitions)

    @property
    def reached_at(self) -> datetime | None:
        """To when all changes are settled."""
        return partition.progress.reached_at if (partition := self.slowest_partition) else None

    @property
    def lag(self) -> timedelta | None:
        if (reached_at := self.reached_at) is None:
            return None
        return max(self.observed_at - reached_at, timedelta(0))

    @property
    def unassigned_partition_count(self) -> int:
        """How many partitions nobody holds who is there, but could."""
        return sum(
            not (self.find_worker(partition) or partition.poison_change)
            for partition in self.partitions
        )

    @property
    def poison_changes(self) -> list[PoisonChange]:
        """What holds partitions up, and will until it is mended."""
        return [partition.poison_change for partition in self.partitions if partition.poison_change]

    def find_worker(self, partition: PartitionStatus) -> Worker | None:
        return next((worker for worker in self.workers if worker.id == partition.worker_id), None)

    @property
    def changes_per_second(self) -> float:
        return sum(worker.changes_per_second for worker in self.workers)

    @property
    def transitions_per_second(self) -> float:
        return sum(worker.transitions_per_second for worker in self.workers)


def find_slowest_partition(partitions: Sequence[PartitionStatus]) -> PartitionStatus | None:
    """The one that has come least far."""
    return min(
        partitions,
        key=lambda partition: (partition.progress.position, partition.progress.reached_at),
        default=None,
    )


def to_seconds(duration: timedelta | None) -> float | None:
    """How many they are; where nothing is known, nothing."""
    return None if duration is None else duration.total_seconds()
