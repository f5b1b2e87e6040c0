"""Finds that requests need a key, but that there is none."""

import asyncio
from datetime import UTC, datetime

from app.commands import connections
from app.services.health import Finding
from app.settings import Settings


def check(settings: Settings) -> Finding:
    if settings.auth == "off":
        return Finding("keys", "off: everyone is an administrator")
    keys = asyncio.run(_count_valid_keys(settings))
    if keys:
        return Finding("keys", f"on, with {keys:,} valid")
    return Finding(
        "keys",
        "on, but there is no valid key: the API refuses every request",
        "create one with `segments keys create --role admin`",
    )


async def _count_valid_keys(settings: Settings) -> int:
    now = datetime.now(UTC)
    async with connections.open_store(settings) as store:
        return sum(not key.has_expired(now) for key in await store.api_keys.all())
