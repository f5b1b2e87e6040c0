"""A change of membership in an active segment, as the log keeps it."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum


class TransitionType(Enum):
    """Which way the customer went."""

    ENTERED = "ENTERED"
    LEFT = "LEFT"


class TransitionCause(Enum):
    """LIVE: the customer's data changed. TIME: time passed. DELETED: the customer was deleted.
    DEFINITION: something that the filter rests on changed: a segment inside it, a metadata
    definition, the time zone, the week start."""

    LIVE = "LIVE"
    TIME = "TIME"
    DELETED = "DELETED"
    DEFINITION = "DEFINITION"


@dataclass(frozen=True, slots=True)
class PendingTransition:
    """A change of membership before it has its place in the log."""

    type: TransitionType
    cause: TransitionCause
    segment_id: str
    segment_name: str
    customer_id: str
    customer_source_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Transition:
    """The crossing at one place of the log; `sequence` counts 1, 2, 3, … without gaps."""

    id: str
    sequence: int
    details: PendingTransition

    @property
    def at(self) -> datetime:
        return self.details.at
