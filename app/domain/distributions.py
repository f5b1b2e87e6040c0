"""Distributions: a message to each customer who enters or leaves a segment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum

from app.domain.log_interval import LogInterval
from app.domain.transitions import Transition, TransitionType

MAX_DISTRIBUTIONS = 1_000
SECRET_OVERLAP = timedelta(hours=24)


class DistributionState(Enum):
    """LIVE: transitions make deliveries, and deliveries are sent. PAUSED: neither."""

    LIVE = "LIVE"
    PAUSED = "PAUSED"


@dataclass(frozen=True, slots=True)
class WebhookChannel:
    """Sends deliveries by HTTP POST. `headers` are sent along, and may hold credentials."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EmailChannel:
    """Sends deliveries by email. Subject and body are Mustache templates."""

    subject: str
    body: str


Channel = WebhookChannel | EmailChannel


@dataclass(frozen=True, slots=True)
class SigningSecret:
    """A key that signs webhooks. `valid_until` is None for the newest secret."""

    secret: str
    valid_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Distribution:
    """Makes a delivery for each transition of its kind in its live intervals.

    `live_intervals` are in the order of the log; only the last one may have no end. `secrets` has
    the newest signing secret first. `paused_because` is set if the program paused the distribution.
    """

    id: str
    name: str
    segment_id: str
    on: TransitionType
    channel: Channel
    created_at: datetime
    live_intervals: Sequence[LogInterval]
    secrets: Sequence[SigningSecret]
    code_pool_id: str | None = None
    max_per_customer: int | None = None
    includes_current_members: bool = False
    paused_because: str | None = None
    is_deleted: bool = False

    @property
    def state(self) -> DistributionState:
        is_live = self.live_intervals[-1].through_sequence is None
        return DistributionState.LIVE if is_live else DistributionState.PAUSED

    @property
    def is_live(self) -> bool:
        return self.state is DistributionState.LIVE

    @property
    def created_after_sequence(self) -> int:
        """The last sequence of the log when the distribution was created."""
        return self.live_intervals[0].after_sequence

    def applies_to(self, transition: Transition) -> bool:
        """Whether the transition makes a delivery."""
        details = transition.details
        return (
            details.type is self.on
            and details.segment_id == self.segment_id
            and any(interval.contains(transition.sequence) for interval in self.live_intervals)
        )

    def pause(self, last_sequence: int, because: str | None) -> "Distribution":
        """Returns the distribution paused after the sequence. One that is paused already keeps its
        intervals and its reason."""
        if not self.is_live:
            return self
        *earlier, current = self.live_intervals
        intervals = (*earlier, current.with_end(last_sequence))
        return replace(self, live_intervals=intervals, paused_because=because)

    def resume(self, last_sequence: int) -> "Distribution":
        """Returns the distribution live for the transitions after the sequence."""
        if self.is_live:
            return self
        intervals = (*self.live_intervals, LogInterval(last_sequence))
        return replace(self, live_intervals=intervals, paused_because=None)

    def without_passed_intervals(self, handled_sequence: int) -> "Distribution":
        """Returns the distribution without the ended intervals that nobody needs any more: they
        have no transitions, or all up to the sequence have been handled. The first one stays,
        because it says when the distribution was created."""
        first, *later = self.live_intervals
        needed = [interval for interval in later if not interval.is_passed(handled_sequence)]
        return replace(self, live_intervals=(first, *needed))

    def delete(self, last_sequence: int) -> "Distribution":
        return replace(self.pause(last_sequence, None), is_deleted=True)

    def rotate_secret(self, secret: str, now: datetime) -> "Distribution":
        """Returns the distribution with a new secret. The previous one stays valid for 24 hours."""
        previous = replace(self.secrets[0], valid_until=now + SECRET_OVERLAP)
        return replace(self, secrets=(SigningSecret(secret), previous))

    def valid_secrets(self, now: datetime) -> list[str]:
        """The secrets that sign a webhook now, newest first."""
        return [
            secret.secret
            for secret in self.secrets
            if secret.valid_until is None or now < secret.valid_until
        ]


@dataclass(frozen=True, slots=True)
class MemberBackfill:
    """The progress of making the deliveries of those who were members at the creation.

    It begins when all partitions have reached `filter_revision`, the revision of the segment's
    filter, and reads the membership states in the order of the customers' ids. All up to
    `last_customer_id` are done. `through_sequence` is the end of the log when it was complete.
    """

    filter_revision: int
    last_customer_id: str = ""
    through_sequence: int | None = None

    def covers(self, sequence: int) -> bool:
        """Whether the transition may be the first of a member after the creation, so that the
        consumer has to look."""
        return self.through_sequence is None or sequence <= self.through_sequence
