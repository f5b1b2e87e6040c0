"""Custom events of customers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from app.errors import UserErrorCode, input_error

MAX_EVENT_NAMES = 1_000
MAX_CLOCK_SKEW = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Event:
    """A custom event. `customer_version` is the version of the customer that includes it."""

    id: str
    customer_id: str
    name: str
    at: datetime
    properties: Mapping[str, Any] = field(default_factory=dict)
    customer_version: int = 0
    idempotency_key: str | None = None


def resolve_occurred_at(at: datetime | None, now: datetime) -> datetime:
    """Returns the instant of an event: `now` if the caller sent none, or if the sent instant is at
    most five minutes ahead of `now`. Raises INVALID for an instant further ahead."""
    if at is None:
        return now
    require_not_ahead(at, now, "at")
    return min(at, now)


def require_not_ahead(instant: datetime, now: datetime, field_name: str) -> None:
    """Raises INVALID for an instant that is more than five minutes ahead of `now`."""
    if instant > now + MAX_CLOCK_SKEW:
        raise input_error(
            UserErrorCode.INVALID,
            "The instant is more than five minutes in the future; send only past events.",
            field_name,
        )
