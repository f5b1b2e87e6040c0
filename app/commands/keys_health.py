"""Finds that requests need a key, but that there is none."""

from datetime import UTC, datetime

from app.services.health import Finding
from app.settings import Settings
from app.store import DatabaseError, Store


async def check(settings: Settings, store: Store) -> Finding:
    if settings.auth == "off":
        return Finding("keys", "off: everyone is an administrator")
    now = datetime.now(UTC)
    try:
        keys = sum(not key.has_expired(now) for key in await store.api_keys.all())
    except DatabaseError as error:
        return Finding("keys", "can't be read", str(error))
    if keys:
        return Finding("keys", f"on, with {keys:,} valid")
    return Finding(
        "keys",
        "on, but there is no valid key: the API refuses every request",
        "create one with `segments keys create --role admin`",
    )
