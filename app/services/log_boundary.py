"""Where an interval of the transition log begins or ends."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

from app.domain.consumers import Consumer
from app.store import DatabaseError, Store, Transaction

Result = TypeVar("Result")

# Much longer than such a transaction takes; the consumer, and who edits definitions, wait no longer
# for a process that is killed.
DEADLINE_SECONDS = 5.0


async def at_log_boundary(
    store: Store, consumer: Consumer, work: Callable[[Transaction, int], Awaitable[Result]]
) -> Result:
    """Runs `work` in a transaction, with the last sequence of the log: that is where an interval
    which it writes for the consumer begins or ends. Like any transaction's, `work` may run more
    than once.

    The log goes on meanwhile. What the transaction and the consumer both write is the consumer's
    checkpoint, so that of the two one comes first: a transition after the sequence is handled only
    with what the transaction has written, one up to it may have been handled before. Only the
    consumer waits where a process is killed in here, until the deadline.
    """
    async with store.session() as session:

        async def both(transaction: Transaction) -> Result:
            await store.deadlines.set(transaction, DEADLINE_SECONDS)
            await store.checkpoints.touch(consumer, transaction)
            return await work(transaction, await store.transitions.end(transaction))

        try:
            return await store.transaction(both, session)
        finally:
            # What is left of it does no harm, and the transaction is over.
            with suppress(DatabaseError):
                await store.deadlines.remove(session)
