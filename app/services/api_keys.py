"""Creates, lists and revokes keys of the API."""

from datetime import datetime, timedelta

from app.domain.api_keys import (
    MAX_KEY_NAME_LENGTH,
    MAX_KEYS,
    ApiKey,
    Role,
    digest_of,
    generate_key,
)
from app.errors import UserErrorCode, input_error
from app.store import Store


class ApiKeys:
    """The operations on keys. Only the digest of a key is stored, so that nobody can read it."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def create(
        self, role: Role, name: str | None, lifetime: timedelta | None, now: datetime
    ) -> tuple[str, ApiKey]:
        """Returns a new key as text, and the stored key. Without a name it is named by its prefix;
        without a lifetime it never expires. Raises InputError."""
        text, prefix = generate_key()
        name = prefix if name is None else name.strip()
        if not 0 < len(name) <= MAX_KEY_NAME_LENGTH or not name.isprintable():
            raise input_error(
                UserErrorCode.INVALID,
                f"A name has 1 to {MAX_KEY_NAME_LENGTH} printable characters.",
                "name",
            )
        if len(await self._store.api_keys.all()) >= MAX_KEYS:
            raise input_error(
                UserErrorCode.TOO_MANY, f"There are {MAX_KEYS:,} keys already; revoke some."
            )
        digest = digest_of(text)
        assert digest is not None
        expires_at = None if lifetime is None else now + lifetime
        key = ApiKey(prefix, digest, name, role, created_at=now, expires_at=expires_at)
        await self._store.api_keys.add(key)
        return text, key

    async def all(self) -> list[ApiKey]:
        """All keys in the order of their creation. Expired ones are among them for 30 days."""
        return await self._store.api_keys.all()

    async def revoke(self, prefix: str) -> None:
        """Deletes the key. Raises InputError with NOT_FOUND if there is none."""
        if not await self._store.api_keys.delete(prefix):
            raise input_error(
                UserErrorCode.NOT_FOUND,
                f"No key has the prefix {prefix!r}; `segments keys list` shows all prefixes.",
                "prefix",
            )
