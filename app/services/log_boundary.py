"""Where an interval of the transition log begins or ends."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from app.domain.consumers import Consumer
from app.store import Store, Transaction

Result = TypeVar("Result")

# Longer than such a transaction takes; the consumer waits no longer for a process that is killed.
_DEADLINE_SECONDS = 3.0


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
            await store.deadlines.set(transaction, _DEADLINE_SECONDS)
            await store.checkpoints.touch(consumer, transaction)
            return await work(transaction, await store.transitions.end(transaction))

        try:
            return await store.transaction(both, session)
        finally:
            await store.deadlines.remove(session)
