"""Where an interval of the transition log begins or ends."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

from app.domain.consumers import Consumer
from app.store import DatabaseError, Store, Transaction

Result = TypeVar("Result")

# Much longer than such a transaction takes. Where a process is killed in one, its consumer and
# edits of definitions wait so long.
TRANSACTION_DEADLINE_SECONDS = 5.0


async def at_log_boundary(
    store: Store, consumer: Consumer, work: Callable[[Transaction, int], Awaitable[Result]]
) -> Result:
    """Runs `work` in a transaction, with the last sequence of the log: an interval that `work`
    writes for the consumer begins or ends there. Like any transaction's, `work` may run more than
    once.

    The engine appends to the log meanwhile. The transaction locks the consumer's checkpoint, which
    each batch of the consumer moves. So no batch commits between the transaction's snapshot and its
    commit: batches before it hold only transitions up to the sequence, and batches after it see
    what `work` has written. Where a process is killed in here, a worker ends its session after the
    deadline.
    """
    async with store.session() as session:

        async def work_at_boundary(transaction: Transaction) -> Result:
            await store.transaction_deadlines.set(transaction, TRANSACTION_DEADLINE_SECONDS)
            await store.checkpoints.lock(consumer, transaction)
            return await work(transaction, await store.transitions.last_sequence(transaction))

        try:
            return await store.transaction(work_at_boundary, session)
        finally:
            # The transaction is over, so that the rest of the row's life does no harm.
            with suppress(DatabaseError):
                await store.transaction_deadlines.remove(session)
