"""Instants, written briefly."""

from datetime import UTC, datetime


def utc(text: str) -> datetime:
    """Returns the instant of an ISO 8601 text without an offset, in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
