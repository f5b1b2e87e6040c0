"""How the engine is doing: as each worker says of itself, and as it is seen from outside."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from app.domain.changes import Progress, Setback
from app.domain.consumers import ConsumerStatus

# So full, an oplog loses its oldest part as it grows.
_FULL = 0.9


class Counted(NamedTuple):
    """A number; or, where it is not exact, at least that many: somewhere counting must end."""

    number: int
    exact: bool = True


@dataclass(frozen=True, slots=True)
class Report:
    """What a worker says of itself. Its instants are so many seconds ago: clocks differ."""

    seconds: float
    changes: int
    transitions: int
    changes_per_second: float
    transitions_per_second: float
    errors: int = 0
    error: str = ""
    error_seconds: float = 0


@dataclass(frozen=True, slots=True)
class EngineError:
    """What went wrong, when by MongoDB's clock, and in which process."""

    message: str
    at: datetime
    host: str
    pid: int


@dataclass(frozen=True, slots=True)
class Worker:
    """One that is there: what it has done since it began, and does in a second now."""

    id: str
    host: str
    pid: int
    began_at: datetime
    changes: int
    transitions: int
    changes_per_second: float
    transitions_per_second: float
    errors: int
    last_error: EngineError | None


@dataclass(frozen=True, slots=True)
class Partition:
    """How far a part of the customers has come, and the id of the worker that has taken it."""

    number: int
    progress: Progress
    worker: str
    setback: Setback | None = None


@dataclass(frozen=True, slots=True)
class Oplog:
    """How much of its room it fills, and how far it goes back."""

    size: int
    room: int
    window: timedelta

    @property
    def is_full(self) -> bool:
        return self.size > _FULL * self.room


@dataclass(frozen=True, slots=True)
class Images:
    """How long the images of customers are kept; None for as long as the oplog."""

    kept: timedelta | None


@dataclass(frozen=True, slots=True)
class Windows:
    """The oplog and the images; None for what can't be seen."""

    oplog: Oplog | None
    images: Images | None

    @property
    def window(self) -> timedelta | None:
        """How far the oplog goes back; None where that can't be seen."""
        return self.oplog.window if self.oplog else None

    @property
    def kept(self) -> timedelta | None:
        """How long images are kept; None for as long as the oplog, and where it can't be seen."""
        return self.images.kept if self.images else None

    @property
    def reach(self) -> timedelta | None:
        """How far back what happened to customers is known; None where nobody can tell."""
        if self.oplog is None or self.images is None:
            return None
        window = self.oplog.window if self.oplog.is_full else None
        return min(filter(None, (window, self.images.kept)), default=None)


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """All that is to be seen of the engine at an instant, by MongoDB's clock."""

    at: datetime
    partitions: Sequence[Partition]
    workers: Sequence[Worker]
    # None where the program may not read the oplog.
    changes_behind: Counted | None
    wakes_due: Counted
    next_wake_at: datetime | None
    active_segments: int
    # Where the log of transitions ends.
    sequence: int
    # Of the customers, by a step of the definitions; None where no step is under way.
    passed_share: float | None
    windows: Windows
    last_error: EngineError | None
    consumers: Sequence[ConsumerStatus]

    @property
    def slowest(self) -> Partition | None:
        """None where the engine was never started."""
        return slowest(self.partitions)

    @property
    def reached_at(self) -> datetime | None:
        """To when all changes are settled."""
        return behind.progress.at if (behind := self.slowest) else None

    @property
    def lag(self) -> timedelta | None:
        if (reached_at := self.reached_at) is None:
            return None
        return max(self.at - reached_at, timedelta(0))

    @property
    def unheld(self) -> int:
        """How many partitions nobody holds who is there, but could."""
        return sum(not (self.holder(each) or each.setback) for each in self.partitions)

    @property
    def setbacks(self) -> list[Setback]:
        """What holds partitions up, and will until it is mended."""
        return [each.setback for each in self.partitions if each.setback]

    def holder(self, partition: Partition) -> Worker | None:
        return next((each for each in self.workers if each.id == partition.worker), None)

    @property
    def changes_per_second(self) -> float:
        return sum(worker.changes_per_second for worker in self.workers)

    @property
    def transitions_per_second(self) -> float:
        return sum(worker.transitions_per_second for worker in self.workers)


def slowest(partitions: Sequence[Partition]) -> Partition | None:
    """The one that has come least far."""
    return min(partitions, key=lambda each: (each.progress.place, each.progress.at), default=None)


def seconds(duration: timedelta | None) -> float | None:
    """How many they are; where nothing is known, nothing."""
    return None if duration is None else duration.total_seconds()
