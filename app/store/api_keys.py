"""Keys of the API."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pymongo import UpdateOne

from app.domain.api_keys import ApiKey, Role
from app.store.collections import Database
from app.store.reads import retry_read


class ApiKeys:
    """The apiKeys collection. The `_id` of a key is its prefix. MongoDB deletes keys a while after
    they expired (a TTL index)."""

    def __init__(self, database: Database) -> None:
        self._collection = database.apiKeys

    async def all(self) -> list[ApiKey]:
        """All keys in the order of their creation, expired ones included."""

        async def read() -> list[dict[str, Any]]:
            return await self._collection.find().sort("createdAt", 1).to_list(None)

        return [_as_api_key(row) for row in await retry_read(read)]

    async def add(self, key: ApiKey) -> None:
        """Adds a key, whose prefix must be new."""
        row = {
            "_id": key.prefix,
            "digest": key.digest,
            "name": key.name,
            "role": key.role.value,
            "createdAt": key.created_at,
        }
        if key.expires_at is not None:
            row["expiresAt"] = key.expires_at
        await self._collection.insert_one(row)

    async def delete(self, prefix: str) -> bool:
        """Deletes the key; returns whether it existed."""
        result = await self._collection.delete_one({"_id": prefix})
        return result.deleted_count > 0

    async def save_last_uses(self, instants: Mapping[str, datetime]) -> None:
        """Saves when keys were used last, by prefix. A later instant that is stored stays."""
        await self._collection.bulk_write(
            [
                UpdateOne({"_id": prefix}, {"$max": {"lastUsedAt": at}})
                for prefix, at in instants.items()
            ],
            ordered=False,
        )


def _as_api_key(row: Mapping[str, Any]) -> ApiKey:
    return ApiKey(
        prefix=row["_id"],
        digest=row["digest"],
        name=row["name"],
        role=Role(row["role"]),
        created_at=row["createdAt"],
        expires_at=row.get("expiresAt"),
        last_used_at=row.get("lastUsedAt"),
    )
