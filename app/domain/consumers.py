"""Consumers of the transition log, and how they are doing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from app.domain.transitions import Transition


class Consumer(Enum):
    """The consumers, by the names of their checkpoints."""

    LOYALTY = "loyalty"


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong, and when by MongoDB's clock."""

    message: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The last sequence that a consumer has handled. `failure` holds it up now."""

    consumer: Consumer
    sequence: int
    failure: Failure | None


@dataclass(frozen=True, slots=True)
class QuarantinedTransition:
    """A transition that a consumer failed to handle, and goes on without."""

    consumer: Consumer
    transition: Transition
    error: str
    first_failed_at: datetime
    attempts: int


@dataclass(frozen=True, slots=True)
class ConsumerStatus:
    """How far a consumer has come: `behind` transitions wait, the oldest of them for `lag`."""

    checkpoint: Checkpoint
    transitions_behind: int
    lag: timedelta
    quarantined_count: int
    # The first few, the oldest first.
    oldest_quarantined: Sequence[QuarantinedTransition]

    @property
    def name(self) -> str:
        return self.checkpoint.consumer.value
