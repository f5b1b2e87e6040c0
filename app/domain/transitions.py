"""Transitions: changes of membership in active segments, as the transition log stores them."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum


class TransitionType(Enum):
    """Whether the customer entered or left the segment."""

    ENTERED = "ENTERED"
    LEFT = "LEFT"


class TransitionCause(Enum):
    """LIVE: the customer's data changed. TIME: time passed. DELETED: the customer was deleted.
    DEFINITION: something that the filter rests on changed: a segment inside it, a metadata
    definition, the time zone, the week start."""

    # The contract fixes this text, which is the description in the GraphQL schema.

    LIVE = "LIVE"
    TIME = "TIME"
    DELETED = "DELETED"
    DEFINITION = "DEFINITION"


@dataclass(frozen=True, slots=True)
class PendingTransition:
    """A change of membership that has no sequence number yet."""

    type: TransitionType
    cause: TransitionCause
    segment_id: str
    segment_name: str
    customer_id: str
    customer_source_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Transition:
    """A transition in the log. Sequences count 1, 2, 3, … without gaps."""

    id: str
    sequence: int
    details: PendingTransition

    @property
    def at(self) -> datetime:
        return self.details.at
