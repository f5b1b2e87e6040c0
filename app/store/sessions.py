"""The sessions of those who may be killed in the middle of a transaction.

MongoDB leaves such a transaction open, and what it wrote locked for a minute: whoever takes over
ends its session first. So a lease says in which session its holder works.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from bson import Binary
from motor.motor_asyncio import AsyncIOMotorClientSession

from app.store.collections import Database


def session_key(session: AsyncIOMotorClientSession) -> Binary:
    """What the session is known by."""
    # Motor's stub takes the property for a method.
    id_: Mapping[str, Any] = session.session_id  # type: ignore[assignment]
    key: Binary = id_["id"]
    return key


async def end_sessions(database: Database, keys: Iterable[Binary | None]) -> None:
    """Ends those that there are."""
    if named := [{"id": key} for key in keys if key is not None]:
        await database.command({"killSessions": named})
