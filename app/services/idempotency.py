"""Requests with an idempotency key, which create something once however often they are sent."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TypeVar

from app.backoff import Backoff
from app.domain.api_keys import calling_key_name
from app.domain.idempotency import (
    IdempotencyKey,
    IdempotencyKeyArgument,
    RecordedCreation,
    digest_of_input,
)
from app.domain.inputs import InputObject, parse_input
from app.errors import UserErrorCode, input_error
from app.store import Store, Transaction
from app.worker_threads import run_in_thread_if_large

Result = TypeVar("Result")

_PATH = "idempotencyKey"


class CreationRecorder:
    """Records which object a request creates. This class is for a request without an idempotency
    key, and records nothing."""

    async def record(self, id_: str, transaction: Transaction) -> None:
        """Records in the transaction that it creates the object with this id, so that both commit
        or neither.

        A service calls this first in its transaction. A concurrent repeat then ends here, before
        it finds that the name is taken by what the first request has created.
        """


WITHOUT_KEY = CreationRecorder()


class Idempotency:
    """Runs creations, each with or without an idempotency key. `get_instant` returns the present
    instant."""

    def __init__(self, store: Store, get_instant: Callable[[], datetime]) -> None:
        self._store = store
        self._get_instant = get_instant

    async def create_once(
        self,
        mutation: str,
        key: str | None,
        input_object: InputObject,
        create: Callable[[CreationRecorder], Awaitable[Result]],
        get: Callable[[str], Awaitable[Result | None]],
    ) -> Result:
        """Returns what `create` creates. If an earlier request with the key has created something,
        returns its present state, which `get` reads by its id, and creates nothing.

        `input_object` has all arguments of the mutation except the key. A failed creation records
        nothing, so that the key can be used again.

        Raises INVALID if the key is malformed or was used with another input, NOT_FOUND if what it
        created has been deleted, and errors of `create` unchanged.
        """
        argument = parse_input(IdempotencyKeyArgument, {_PATH: key})
        if argument.idempotency_key is None:
            return await create(WITHOUT_KEY)
        own_key = IdempotencyKey(mutation, argument.idempotency_key, calling_key_name.get())
        digest = await run_in_thread_if_large(digest_of_input, input_object)
        recorder = _KeyRecorder(self._store, own_key, digest, self._get_instant())
        backoff = Backoff(0.01, 0.5)
        # Read before `create` checks the input, which may have become invalid since: a repeat of
        # an export is answered although its segment has been deleted.
        while (recorded := await self._store.idempotency_keys.find(own_key)) is None:
            try:
                return await create(recorder)
            except _KeyUsed:
                # The other request's commit can still be lost, until a majority has it.
                await backoff.wait()
        if recorded.input_digest != digest:
            message = (
                "Another request has used this idempotency key with another input; send the same"
                " input again, or use another key."
            )
            raise input_error(UserErrorCode.INVALID, message, _PATH)
        found = await get(recorded.created_id)
        if found is None:
            message = (
                "What a request with this idempotency key has created is deleted; use another key"
                " to create it again."
            )
            raise input_error(UserErrorCode.NOT_FOUND, message, _PATH)
        return found


class _KeyRecorder(CreationRecorder):
    """Records the object with the key of the request. `at` is when the key's retention begins."""

    def __init__(self, store: Store, key: IdempotencyKey, digest: bytes, at: datetime) -> None:
        self._store = store
        self._key = key
        self._digest = digest
        self._at = at

    async def record(self, id_: str, transaction: Transaction) -> None:
        if await self._store.idempotency_keys.exists(self._key, transaction):
            raise _KeyUsed
        creation = RecordedCreation(self._digest, id_, self._at)
        await self._store.idempotency_keys.add(self._key, creation, transaction)


class _KeyUsed(Exception):
    """A concurrent request with the same key has committed. Aborts the transaction."""
