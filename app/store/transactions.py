"""Runs a unit of work in a MongoDB transaction and retries it until it commits.

MongoDB labels the errors that a retry can answer:

- `TransientTransactionError`: nothing was written. The whole unit of work runs again.
- `UnknownTransactionCommitResult`: the commit may have happened. Only the commit is sent again,
  under the same transaction number, so that it can't happen twice. A new primary that does not
  know the transaction answers with NoSuchTransaction, labelled transient.
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

from app.errors import TookTooLong
from app.store.contention import ContendedKeys, Turn
from app.store.reads import is_of_a_starting_member
from app.store.sessions import end_sessions, session_key

Transaction = AsyncIOMotorClientSession
Result = TypeVar("Result")
Work = Callable[[Transaction], Coroutine[Any, Any, Result]]

_TRANSIENT, _COMMIT_UNKNOWN = "TransientTransactionError", "UnknownTransactionCommitResult"
_OPTIONS: dict[str, Any] = {
    "read_concern": ReadConcern("snapshot"),
    "write_concern": WriteConcern("majority"),
    "read_preference": ReadPreference.PRIMARY,
}
_WRITE_CONFLICT = 112
_NOT_WRITTEN = "Nothing was written: try again."
_UNKNOWN = "It may have been written: read it before you try again."
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.005, 0.5
_ABANDON_SECONDS = 1.0


class TransactionTimeout(TookTooLong, PyMongoError):
    """A transaction was still failing at its deadline. Workers handle it as any other error of the
    database; the API answers TIMEOUT."""


class Transactions:
    """Runs transactions of one client, each for at most `seconds`, retries included."""

    def __init__(self, client: AsyncIOMotorClient[Any], seconds: float) -> None:
        self._client = client
        self._seconds = seconds
        self._contended = ContendedKeys()

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Transaction]:
        """A session for transactions one after the other, which another process may end."""
        async with await self._client.start_session() as session:
            yield session

    async def run(
        self,
        work: Work[Result],
        session: Transaction | None = None,
        keys: Iterable[str] = (),
    ) -> Result:
        """Runs `work` until it commits, and returns its result. Transactions that name one of the
        same keys run one after the other where they conflict.

        A cancelled caller waits until the attempt under way has ended. The driver's thread that
        executes an operation is not cancelled: it would go on after the transaction is over, and
        write outside of it.

        Raises TransactionTimeout at the deadline, and errors of `work` as they are.
        """
        attempts = _Attempts(self._seconds)
        running = asyncio.create_task(self._run(work, session, attempts, keys))
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            attempts.cancelled = True
            while not running.done():
                with suppress(asyncio.CancelledError):
                    await asyncio.wait({running})
            if not running.cancelled():
                # Marks the exception as retrieved; asyncio would log it.
                running.exception()
            raise

    async def _run(
        self,
        work: Work[Result],
        session: Transaction | None,
        attempts: "_Attempts",
        keys: Iterable[str],
    ) -> Result:
        async with (
            self._contended.turn(keys) as turn,
            self.session() if session is None else nullcontext(session) as own,
        ):
            try:
                return await _until_committed(work, own, turn, attempts)
            except (TransactionTimeout, asyncio.CancelledError):
                await self._abandon(own)
                raise

    async def _abandon(self, session: Transaction) -> None:
        """Ends the session on the server, if MongoDB can be reached. A transaction that was not
        committed would else keep others from its documents for a minute."""
        with suppress(PyMongoError), pymongo.timeout(_ABANDON_SECONDS):
            await end_sessions(self._client.get_database("admin"), [session_key(session)])


async def _until_committed(
    work: Work[Result], session: Transaction, turn: Turn, attempts: "_Attempts"
) -> Result:
    while True:
        attempts.check_cancelled()
        session.start_transaction(**_OPTIONS)
        try:
            result = await work(session)
        except BaseException as error:
            if session.delegate.in_transaction:
                await session.abort_transaction()
            if not (_has_label(error, _TRANSIENT) or is_of_a_starting_member(error)):
                raise
            failure = error
        else:
            transient = await _commit(session, attempts)
            if transient is None:
                return result
            failure = transient
        if getattr(failure, "code", None) == _WRITE_CONFLICT:
            await turn.after_conflict()
        await attempts.pause(failure, _NOT_WRITTEN)


async def _commit(session: Transaction, attempts: "_Attempts") -> PyMongoError | None:
    """Commits, until the result is known. Returns the error after which the whole transaction has
    to run again, if any."""
    while True:
        try:
            await session.commit_transaction()
        except PyMongoError as error:
            if error.has_error_label(_COMMIT_UNKNOWN) or is_of_a_starting_member(error):
                failure = error
            elif error.has_error_label(_TRANSIENT):
                return error
            else:
                raise
        else:
            return None
        await attempts.pause(failure, _UNKNOWN)


def _has_label(error: BaseException, label: str) -> bool:
    return isinstance(error, PyMongoError) and error.has_error_label(label)


class _Attempts:
    """How often one transaction has been tried, and how long it may still be retried."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._deadline = monotonic() + seconds
        self._longest = _FIRST_PAUSE_SECONDS
        self.cancelled = False

    def check_cancelled(self) -> None:
        if self.cancelled:
            raise asyncio.CancelledError

    async def pause(self, failure: BaseException, advice: str) -> None:
        """Waits before the next attempt: longer each time, and by chance, so that those who were
        in each other's way are not so again."""
        self.check_cancelled()
        seconds = random.uniform(0, self._longest)  # noqa: S311 - no secret
        self._longest = min(2 * self._longest, _LONGEST_PAUSE_SECONDS)
        if monotonic() + seconds > self._deadline:
            raise TransactionTimeout(
                f"MongoDB did not confirm the change within {self._seconds:g} s. {advice}"
            ) from failure
        await asyncio.sleep(seconds)
        self.check_cancelled()
