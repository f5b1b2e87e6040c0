"""Consumers of the transition log, their checkpoints and their status."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from app.domain.transitions import Transition


class Consumer(Enum):
    """A consumer of the transition log. The value is the name of its checkpoint."""

    LOYALTY = "loyalty"
    REFERRALS = "referrals"
    DELIVERIES = "deliveries"


@dataclass(frozen=True, slots=True)
class Failure:
    """An error that stops a consumer, or work on a distribution. `occurred_at` is by MongoDB's
    clock."""

    message: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The last sequence that a consumer has handled. `failure` is the error that blocks it now."""

    consumer: Consumer
    sequence: int
    failure: Failure | None


@dataclass(frozen=True, slots=True)
class QuarantinedTransition:
    """A transition that a consumer could not handle and has skipped."""

    consumer: Consumer
    transition: Transition
    error: str
    first_failed_at: datetime
    attempts: int


@dataclass(frozen=True, slots=True)
class ConsumerStatus:
    """The progress of a consumer. `transitions_behind` is the number of transitions after its
    checkpoint; `lag` is the age of the oldest of them."""

    checkpoint: Checkpoint
    transitions_behind: int
    lag: timedelta
    quarantined_count: int
    # At most the first few, oldest first.
    oldest_quarantined: Sequence[QuarantinedTransition]

    @property
    def name(self) -> str:
        return self.checkpoint.consumer.value
