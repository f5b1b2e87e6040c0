"""Deliveries: the messages of distributions, from the transition to the receiver's answer."""

import hashlib
import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from app.domain.distributions import Channel, WebhookChannel
from app.domain.ids import EntityKind

MAX_ATTEMPTS = 13
MAX_RETRY_PERIOD = timedelta(hours=24)
FIRST_RETRY_DELAY = timedelta(minutes=1)
# So long somebody can send a failed delivery again.
FAILED_CONTENT_RETENTION = timedelta(days=30)
_RETRY_JITTER_RATIO = 0.1

MAX_ERROR_LENGTH = 1_000
_MAIL_HOST = "smtp"


class DeliveryStatus(Enum):
    """PENDING: not sent yet. RETRYING: an attempt failed and another follows. DELIVERED, FAILED and
    SKIPPED are final."""

    PENDING = "PENDING"
    DELIVERED = "DELIVERED"
    RETRYING = "RETRYING"
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"


UNFINISHED_STATUSES = (DeliveryStatus.PENDING, DeliveryStatus.RETRYING)


def host_of(channel: Channel) -> str:
    """The host that the limits of the sender apply to, with its port."""
    return channel.url.split("/")[2].lower() if isinstance(channel, WebhookChannel) else _MAIL_HOST


@dataclass(frozen=True, slots=True)
class WebhookRequest:
    """The request of a delivery, the same at every attempt but for timestamp and signature."""

    url: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def host(self) -> str:
        """The host that limits apply to."""
        return host_of(WebhookChannel(self.url))


@dataclass(frozen=True, slots=True)
class EmailMessage:
    """The email of a delivery, with its parts as plain text and as HTML. `unsubscribe_url` is empty
    if there is none."""

    to: str
    subject: str
    text: str
    html: str
    unsubscribe_url: str = ""

    @property
    def host(self) -> str:
        """All emails go to the same server."""
        return _MAIL_HOST


Content = WebhookRequest | EmailMessage


@dataclass(frozen=True, slots=True)
class Skipped:
    """Instead of content: why the delivery can't be sent to this customer."""

    reason: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """A delivery as the API shows it. `transition_id` is None for a member at the distribution's
    creation, and for a test. `distribution_id` is None for a test."""

    id: str
    distribution_id: str | None
    customer_id: str
    transition_id: str | None
    status: DeliveryStatus
    created_at: datetime
    attempts: int = 0
    code: str | None = None
    last_error: str | None = None
    next_attempt_at: datetime | None = None
    delivered_at: datetime | None = None

    @property
    def at(self) -> datetime:
        """The place of the delivery in the customer's timeline."""
        return self.created_at


@dataclass(frozen=True, slots=True)
class WaitingContent:
    """What the content is made of when there is a code: the channel as it was when the delivery was
    made, and the payload without the code."""

    channel: Channel
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """A delivery to insert. `content` is None if the delivery is skipped, or if it waits for a
    code; then `waiting` allows to make the content later."""

    delivery: Delivery
    content: Content | None = None
    waiting: WaitingContent | None = None


@dataclass(frozen=True, slots=True)
class ClaimedDelivery:
    """A delivery that this process attempts now. Somebody retries it if `is_retried`: then it is
    sent even while its distribution is paused."""

    id: str
    distribution_id: str
    content: Content
    attempts: int
    due_at: datetime
    first_attempt_at: datetime | None
    is_retried: bool

    def start_of_retries(self, started_at: datetime) -> datetime:
        """Returns the first attempt, before the one that starts now, as `next_attempt_at` counts
        from it. The receiver does not answer for the time that the delivery has waited since it was
        due, for example while its distribution was paused: this time does not count."""
        if self.first_attempt_at is None:
            return started_at
        return self.first_attempt_at + max(started_at - self.due_at, timedelta(0))


class Outcome(Enum):
    """What an attempt means for the delivery.

    RETRY: try again later. REJECT: the receiver will never accept this delivery. GONE: the receiver
    accepts no further deliveries.
    """

    DELIVERED = "DELIVERED"
    RETRY = "RETRY"
    REJECT = "REJECT"
    GONE = "GONE"


@dataclass(frozen=True, slots=True)
class AttemptResult:
    """The result of one attempt; `error` is empty if it was delivered. `answer` is what the
    receiver says, which may repeat what was sent."""

    outcome: Outcome
    error: str = ""
    answer: str = ""

    @property
    def message(self) -> str:
        """The error with the receiver's answer."""
        return f"{self.error}: {self.answer}" if self.answer else self.error


def next_attempt_at(
    attempts: int, first_attempt_at: datetime, now: datetime, jitter: float | None = None
) -> datetime | None:
    """Returns when to try again after this many failed attempts; None if the delivery has failed.

    The delays are 1, 2, 4, … minutes, plus up to a tenth at random (`jitter` is 0 to 1). The last
    attempt is at most 24 hours after the first.
    """
    deadline = first_attempt_at + MAX_RETRY_PERIOD
    if attempts >= MAX_ATTEMPTS or now >= deadline:
        return None
    fraction = random.random() if jitter is None else jitter  # noqa: S311 - no secret
    delay = FIRST_RETRY_DELAY * (2.0 ** (attempts - 1) * (1 + _RETRY_JITTER_RATIO * fraction))
    return min(now + delay, deadline)


def make_delivery_id(distribution_id: str, subject_id: str) -> str:
    """Returns the id of the delivery for a transition, or for a member at the creation.

    The ids of the two decide the id of the delivery, so that none is made twice.
    """
    digest = hashlib.sha256(f"{distribution_id} {subject_id}".encode()).hexdigest()
    return f"{EntityKind.DELIVERY.value}_{digest[:24]}"
