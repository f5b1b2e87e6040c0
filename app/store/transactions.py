"""Runs a unit of work in a MongoDB transaction and retries it until it commits.

MongoDB labels the errors that allow a retry:

- `TransientTransactionError`: nothing was written. The whole unit of work runs again.
- `UnknownTransactionCommitResult`: the commit may have succeeded. Only the commit is sent again,
  with the same transaction number, so it can't happen twice. A new primary that does not know the
  transaction answers with NoSuchTransaction, which is labelled transient.

An operation that another process has interrupted, because it ended the session, has neither label,
but allows the same: an interrupted commit may wait for a majority after it has succeeded.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager, nullcontext, suppress
from time import monotonic
from typing import Any, TypeVar

import pymongo
from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorClientSession
from pymongo import ReadPreference, WriteConcern
from pymongo.errors import PyMongoError
from pymongo.read_concern import ReadConcern

from app.errors import QueryTimeout
from app.store.contended_keys import ContendedKeys, KeyLocks
from app.store.driver_calls import CallingTask, calling_task
from app.store.reads import is_starting_member_error
from app.store.sessions import end_sessions, never_reuse, session_key

Transaction = AsyncIOMotorClientSession
Result = TypeVar("Result")
Work = Callable[[Transaction], Coroutine[Any, Any, Result]]

_TRANSIENT_ERROR_LABEL = "TransientTransactionError"
_UNKNOWN_COMMIT_LABEL = "UnknownTransactionCommitResult"
_TRANSACTION_OPTIONS: dict[str, Any] = {
    "read_concern": ReadConcern("snapshot"),
    "write_concern": WriteConcern("majority"),
    "read_preference": ReadPreference.PRIMARY,
}
_WRITE_CONFLICT = 112
_INTERRUPTED = 11601
_NOT_WRITTEN_ADVICE = "Nothing was written: try again."
_MAYBE_WRITTEN_ADVICE = "It may have been written: read it before you try again."
_MIN_BACKOFF_SECONDS = 0.005
_MAX_BACKOFF_SECONDS = 0.5
# The other transaction ends soon. Processes rarely conflict in large numbers: within one, such
# transactions queue (see `contended_keys`).
_MAX_CONFLICT_BACKOFF_SECONDS = 0.05
_ABANDON_INTERVAL_SECONDS = 0.1
_END_SESSION_TIMEOUT_SECONDS = 1.0


class TransactionTimeout(QueryTimeout, PyMongoError):
    """A transaction did not commit before its deadline.

    Workers handle it like any other database error; the API answers TIMEOUT.
    """


class Transactions:
    """Runs transactions of one client, each for at most `timeout_seconds` including retries."""

    def __init__(self, client: AsyncIOMotorClient[Any], timeout_seconds: float) -> None:
        self._client = client
        self._timeout_seconds = timeout_seconds
        self._contended_keys = ContendedKeys()

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Transaction]:
        """Opens a session for consecutive transactions, which another process may end.

        No other operation uses the session afterwards. The driver would reuse it, for a change
        stream for example, while a lease still names it: whoever takes the lease over would kill
        the cursor of the stream.
        """
        async with await self._client.start_session() as session:
            try:
                yield session
            finally:
                never_reuse(session)

    async def run(
        self,
        work: Work[Result],
        session: Transaction | None = None,
        keys: Iterable[str] = (),
    ) -> Result:
        """Runs `work` until it commits, and returns its result.

        Transactions that name the same key queue for it after a conflict (see `contended_keys`).

        A cancelled caller waits until the current attempt has ended, without its long reads.
        Cancelling does not stop the driver's thread: it would go on after the transaction, and
        write outside of it.

        Raises TransactionTimeout at the deadline, and errors of `work` unchanged.
        """
        retries = _Retries(self._timeout_seconds)
        task = asyncio.create_task(self._run(work, session, retries, keys))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            retries.is_cancelled = True
            while not task.done():
                retries.abandon_reads()
                with suppress(asyncio.CancelledError):
                    await asyncio.wait({task}, timeout=_ABANDON_INTERVAL_SECONDS)
            if not task.cancelled():
                # Marks the exception as retrieved; asyncio would log it.
                task.exception()
            raise

    async def _run(
        self,
        work: Work[Result],
        session: Transaction | None,
        retries: "_Retries",
        keys: Iterable[str],
    ) -> Result:
        retries.calling_task = calling_task()
        async with (
            self._contended_keys.lock(keys) as key_locks,
            await self._client.start_session()
            if session is None
            else nullcontext(session) as active_session,
        ):
            try:
                return await _run_until_committed(work, active_session, key_locks, retries)
            except (PyMongoError, asyncio.CancelledError):
                await self._end_session(active_session)
                raise

    async def _end_session(self, session: Transaction) -> None:
        """Ends the session on the server, and ignores errors if MongoDB is unreachable.

        Otherwise an uncommitted transaction would lock its documents for a minute.
        """
        with suppress(PyMongoError), pymongo.timeout(_END_SESSION_TIMEOUT_SECONDS):
            await end_sessions(self._client.get_database("admin"), [session_key(session)])


async def _run_until_committed(
    work: Work[Result], session: Transaction, key_locks: KeyLocks, retries: "_Retries"
) -> Result:
    while True:
        retries.check_cancelled()
        session.start_transaction(**_TRANSACTION_OPTIONS)
        try:
            result = await work(session)
        except BaseException as error:
            if session.delegate.in_transaction:
                await session.abort_transaction()
            if not _may_be_repeated(error, _TRANSIENT_ERROR_LABEL):
                raise
            failure = error
        else:
            commit_error = await _commit(session, retries)
            if commit_error is None:
                return result
            failure = commit_error
        if getattr(failure, "code", None) == _WRITE_CONFLICT:
            await key_locks.lock_all_after_conflict()
        await retries.back_off(failure, _NOT_WRITTEN_ADVICE)


async def _commit(session: Transaction, retries: "_Retries") -> PyMongoError | None:
    """Sends the commit until its result is known.

    Returns None if it succeeded, or the error after which the whole transaction has to run again.
    """
    while True:
        try:
            await session.commit_transaction()
        except PyMongoError as error:
            if _may_be_repeated(error, _UNKNOWN_COMMIT_LABEL):
                failure = error
            elif error.has_error_label(_TRANSIENT_ERROR_LABEL):
                return error
            else:
                raise
        else:
            return None
        await retries.back_off(failure, _MAYBE_WRITTEN_ADVICE)


def _may_be_repeated(error: BaseException, label: str) -> bool:
    """Whether MongoDB allows to send again what failed, by the label, or has interrupted it."""
    if not isinstance(error, PyMongoError):
        return False
    return (
        error.has_error_label(label)
        or is_starting_member_error(error)
        or getattr(error, "code", None) == _INTERRUPTED
    )


class _Retries:
    """The back-off, the deadline and the cancellation of one transaction."""

    def __init__(self, timeout_seconds: float) -> None:
        self._timeout_seconds = timeout_seconds
        self._deadline = monotonic() + timeout_seconds
        self._max_pause_seconds = _MIN_BACKOFF_SECONDS
        self.is_cancelled = False
        self.calling_task: CallingTask | None = None

    def abandon_reads(self) -> None:
        """Ends the reads that MongoDB runs for the transaction."""
        if self.calling_task:
            self.calling_task.abandon_calls()

    def check_cancelled(self) -> None:
        if self.is_cancelled:
            raise asyncio.CancelledError

    async def back_off(self, failure: BaseException, advice: str) -> None:
        """Waits before the next attempt, with a random and growing pause, so that transactions
        that conflicted do not conflict again. Raises TransactionTimeout at the deadline."""
        self.check_cancelled()
        is_conflict = getattr(failure, "code", None) == _WRITE_CONFLICT
        max_seconds = _MAX_CONFLICT_BACKOFF_SECONDS if is_conflict else _MAX_BACKOFF_SECONDS
        max_pause_seconds = min(self._max_pause_seconds, max_seconds)
        pause_seconds = random.uniform(0, max_pause_seconds)  # noqa: S311 - no secret
        self._max_pause_seconds = min(2 * self._max_pause_seconds, _MAX_BACKOFF_SECONDS)
        if monotonic() + pause_seconds > self._deadline:
            raise TransactionTimeout(
                f"MongoDB did not confirm the change within {self._timeout_seconds:g} s. {advice}"
            ) from failure
        await asyncio.sleep(pause_seconds)
        self.check_cancelled()
