"""Something that a customer did, at a moment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from app.errors import UserErrorCode, input_error

MAX_EVENT_NAMES = 1_000
MAX_CLOCK_SKEW = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Event:
    """A custom event; `since` is the version of the customer that brought it."""

    id: str
    customer_id: str
    name: str
    at: datetime
    properties: Mapping[str, Any] = field(default_factory=dict)
    customer_version: int = 0
    idempotency_key: str | None = None


def resolve_occurred_at(at: datetime | None, now: datetime) -> datetime:
    """When it happened: now where nothing is said, or where a clock runs a little ahead."""
    if at is None:
        return now
    if at > now + MAX_CLOCK_SKEW:
        raise input_error(
            UserErrorCode.INVALID,
            "It lies more than five minutes ahead; send what has happened.",
            "at",
        )
    return min(at, now)
