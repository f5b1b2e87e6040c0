"""The status of the engine: what workers report, and what MongoDB shows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from app.domain.codes import CodePool
from app.domain.consumers import ConsumerStatus, Failure
from app.domain.exports import ExportSummary
from app.domain.progress import PartitionProgress, PoisonChange

# The clocks of the members of a replica set may differ by this much.
_MAX_CLOCK_DIFFERENCE = timedelta(seconds=10)
# Above this ratio of its maximum size, the oplog drops its oldest entries as it grows.
_FULL_OPLOG_RATIO = 0.9


class BoundedCount(NamedTuple):
    """A count. If it is not exact, counting stopped at `number` and there are more."""

    number: int
    is_exact: bool = True


@dataclass(frozen=True, slots=True)
class WorkerReport:
    """The metrics that a worker reports. Instants are sent as ages in seconds, because the clocks
    of worker and MongoDB differ."""

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
    """An error of a worker, with the process. `occurred_at` is by MongoDB's clock."""

    message: str
    occurred_at: datetime
    host: str
    pid: int


@dataclass(frozen=True, slots=True)
class Worker:
    """A live worker, with its totals since `started_at` and its current rates."""

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
    """The progress of one partition, and the id of the worker that holds its lease."""

    number: int
    progress: PartitionProgress
    worker_id: str
    poison_change: PoisonChange | None = None


@dataclass(frozen=True, slots=True)
class OplogStats:
    """The size of the oplog, and the time between its first and its last entry (`window`)."""

    size_bytes: int
    max_size_bytes: int
    window: timedelta

    @property
    def is_full(self) -> bool:
        return self.size_bytes > _FULL_OPLOG_RATIO * self.max_size_bytes


@dataclass(frozen=True, slots=True)
class ImageRetention:
    """How long MongoDB keeps pre- and post-images; None means as long as the oplog."""

    retention: timedelta | None


@dataclass(frozen=True, slots=True)
class RetentionWindows:
    """The retention of the oplog and of change images. None means that the program may not read
    it."""

    oplog: OplogStats | None
    images: ImageRetention | None

    @property
    def oplog_window(self) -> timedelta | None:
        """How far back the oplog goes; None if unknown."""
        return self.oplog.window if self.oplog else None

    @property
    def image_retention(self) -> timedelta | None:
        """How long images are kept; None if as long as the oplog, or if unknown."""
        return self.images.retention if self.images else None

    @property
    def resume_window(self) -> timedelta | None:
        """How far back the engine can resume the change stream; None if unknown or not limited
        yet, because the oplog is not full."""
        if self.oplog is None or self.images is None:
            return None
        oplog_window = self.oplog.window if self.oplog.is_full else None
        return min(filter(None, (oplog_window, self.images.retention)), default=None)


@dataclass(frozen=True, slots=True)
class DeliveryStatusSummary:
    """The deliveries that wait to be sent.

    `failing_hosts` has, by host, the number of deliveries whose last attempt failed: of the hosts
    with the most, and counted up to a limit. `paused_count` is the number of paused distributions,
    `waiting_for_code` that of the deliveries that lack a code.
    """

    due: BoundedCount
    oldest_due: timedelta
    failing_hosts: Mapping[str, int]
    paused_count: int
    waiting_for_code: BoundedCount


@dataclass(frozen=True, slots=True)
class FailingDistribution:
    """A distribution whose upkeep fails: `task` says what, such as its member backfill."""

    id: str
    name: str
    task: str
    failure: Failure


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """The status of the engine, and of the other work of workers, at `observed_at`, by MongoDB's
    clock."""

    observed_at: datetime
    partitions: Sequence[PartitionStatus]
    workers: Sequence[Worker]
    # None if the program may not read the oplog.
    changes_behind: BoundedCount | None
    due_timers: BoundedCount
    next_timer_at: datetime | None
    active_segment_count: int
    # The sequence of the last transition in the log.
    last_sequence: int
    # The part of the customers that the current backfill has processed; None if there is none.
    backfilled_ratio: float | None
    retention_windows: RetentionWindows
    last_error: EngineError | None
    consumers: Sequence[ConsumerStatus]
    exports: ExportSummary
    deliveries: DeliveryStatusSummary
    # At most the first few, the latest failure first.
    failing_distributions: Sequence[FailingDistribution]
    # The code pools in use with the fewest codes left, fewest first.
    code_pools: Sequence[CodePool]

    @property
    def slowest_partition(self) -> PartitionStatus | None:
        """The partition with the oldest position; None if the engine was never started."""
        return find_slowest_partition(self.partitions)

    @property
    def reached_at(self) -> datetime | None:
        """The instant up to which the engine has processed the changes of all partitions."""
        return partition.progress.reached_at if (partition := self.slowest_partition) else None

    @property
    def lag(self) -> timedelta | None:
        """The time since `reached_at`; None if the engine was never started, or if the lag is
        unknown because MongoDB's clock has gone back."""
        if (reached_at := self.reached_at) is None or self.clock_reversal:
            return None
        return max(self.observed_at - reached_at, timedelta(0))

    @property
    def clock_reversal(self) -> timedelta:
        """How far MongoDB's clock has gone back behind the position of the engine: zero for a
        difference that members of a replica set may have."""
        if (reached_at := self.reached_at) is None:
            return timedelta(0)
        ahead = reached_at - self.observed_at
        return ahead if ahead > _MAX_CLOCK_DIFFERENCE else timedelta(0)

    @property
    def unassigned_partition_count(self) -> int:
        """The number of partitions that have no live worker, though no poison change blocks
        them."""
        return sum(
            not (self.find_worker(partition) or partition.poison_change)
            for partition in self.partitions
        )

    @property
    def poison_changes(self) -> list[PoisonChange]:
        """The poison changes that block partitions now."""
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
    """Returns the partition with the oldest position; None if there are no partitions."""
    return min(
        partitions,
        key=lambda partition: (partition.progress.position, partition.progress.reached_at),
        default=None,
    )


def to_seconds(duration: timedelta | None) -> float | None:
    """Returns the duration in seconds; None for None."""
    return None if duration is None else duration.total_seconds()
