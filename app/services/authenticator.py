"""Finds the caller of a request by its key."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context
from datetime import datetime, timedelta
from functools import partial
from math import inf
from time import monotonic

from app.domain.api_keys import ApiKey, Caller, Role, digest_of
from app.errors import Unauthenticated
from app.services.polling import poll_forever
from app.store import Store

REFRESH_INTERVAL_SECONDS = 5.0
"""A revoked key works, and its sockets stay open, for at most this long and one read. While MongoDB
is unreachable the known keys work on, but there is nothing to read with them."""

MIN_READ_INTERVAL_SECONDS = 0.1
_LAST_USE_INTERVAL = timedelta(minutes=1)


class Authenticator:
    """Knows all keys, which it reads from MongoDB every few seconds.

    An unknown key makes it read at once, so that a new key works immediately. One such read runs at
    a time, for all requests that wait: however many wrong keys arrive, the work of MongoDB and the
    memory stay bounded. A look-up finds a digest in a dictionary; its timing tells nothing, since a
    client can't choose the SHA-256 of its key.
    """

    def __init__(
        self, store: Store, instant: Callable[[], datetime], *, requires_keys: bool
    ) -> None:
        self._store = store
        self._instant = instant
        self._requires_keys = requires_keys
        self._keys_by_digest: dict[bytes, ApiKey] = {}
        self._last_uses: dict[str, datetime] = {}
        self._updated = asyncio.Event()
        self._read_lock = asyncio.Lock()
        self._pending_read: asyncio.Task[None] | None = None
        self._last_read_began_at = -inf

    async def run(self) -> None:
        """Refreshes the keys and saves when they were used, unless keys are off. Runs until it is
        cancelled."""
        if not self._requires_keys:
            await asyncio.Event().wait()
        await poll_forever(
            self._refresh,
            partial(asyncio.sleep, REFRESH_INTERVAL_SECONDS),
            "can't read the keys of the API; retrying",
        )

    async def authenticate(self, authorization: object) -> Caller:
        """Returns the caller for `Bearer KEY`, the value of the header Authorization.

        Raises Unauthenticated without a valid key. Where keys are off, everyone is an
        administrator.
        """
        if not self._requires_keys:
            return Caller(Role.ADMIN)
        scheme, _, text = str(authorization or "").strip().partition(" ")
        if scheme.lower() != "bearer":
            raise Unauthenticated(
                "A key is needed: send it as `Authorization: Bearer KEY`, over a WebSocket as"
                " `authorization` in connection_init. `segments keys create` makes one."
            )
        digest = digest_of(text.strip())
        key = None if digest is None else await self._find(digest)
        now = self._instant()
        if key is None or key.has_expired(now):
            raise Unauthenticated("The key is unknown, has expired or was revoked.")
        self._last_uses[key.prefix] = now
        return Caller(key.role, key)

    async def wait_until_invalid(self, caller: Caller) -> None:
        """Returns once the caller's key has expired or was revoked; never without a key."""
        key = caller.key
        if key is None:
            await asyncio.Event().wait()
            return
        while key.digest in self._keys_by_digest and not key.has_expired(self._instant()):
            seconds_left = (
                None
                if key.expires_at is None
                else (key.expires_at - self._instant()).total_seconds()
            )
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds_left):
                    await self._updated.wait()

    async def _find(self, digest: bytes) -> ApiKey | None:
        if digest not in self._keys_by_digest:
            await self._read()
        return self._keys_by_digest.get(digest)

    async def _refresh(self) -> bool:
        await self._save_last_uses()
        await self._read()
        return False

    async def _read(self) -> None:
        """Reads the keys. The read begins after this call; calls until then share it."""
        if self._pending_read is None:
            # An own context, so that the deadline of one caller does not apply to the others.
            self._pending_read = asyncio.create_task(self._read_next(), context=Context())
            self._pending_read.add_done_callback(_consume_exception)
        await asyncio.shield(self._pending_read)

    async def _read_next(self) -> None:
        async with self._read_lock:
            next_read_at = self._last_read_began_at + MIN_READ_INTERVAL_SECONDS
            await asyncio.sleep(max(0, next_read_at - monotonic()))
            self._pending_read = None
            self._last_read_began_at = monotonic()
            keys = await self._store.api_keys.all()
            self._keys_by_digest = {key.digest: key for key in keys}
        updated, self._updated = self._updated, asyncio.Event()
        updated.set()

    async def _save_last_uses(self) -> None:
        """Saves the uses that are a minute later than the stored ones, and forgets the others."""
        last_uses, self._last_uses = self._last_uses, {}
        saved_uses = {key.prefix: key.last_used_at for key in self._keys_by_digest.values()}
        due_uses = {
            prefix: used_at
            for prefix, used_at in last_uses.items()
            if (saved_at := saved_uses.get(prefix)) is None
            or used_at - saved_at >= _LAST_USE_INTERVAL
        }
        if due_uses:
            await self._store.api_keys.save_last_uses(due_uses)


def _consume_exception(task: asyncio.Task[None]) -> None:
    """Retrieves the exception of a read whose callers were all cancelled, so that asyncio does not
    report it as never retrieved."""
    if not task.cancelled():
        task.exception()
