"""Transactions that begin or end an interval of the transition log, such as an earning rule."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

from app.domain.consumers import Consumer
from app.store import DatabaseError, Store, Transaction

Result = TypeVar("Result")

# Much longer than such a transaction takes. If a process is killed in one, its consumer and changes
# of definitions wait this long.
TRANSACTION_DEADLINE_SECONDS = 5.0


async def at_log_boundary(
    store: Store, consumer: Consumer, work: Callable[[Transaction, int], Awaitable[Result]]
) -> Result:
    """Runs `work` in a transaction and returns its result.

    `work` receives the transaction and the last sequence of the log, at which the interval that it
    writes for the consumer begins or ends. It may run more than once.

    The engine may append to the log meanwhile. The transaction locks the consumer's checkpoint,
    which each batch of the consumer advances. So no batch commits between the transaction's
    snapshot and its commit: earlier batches hold only transitions up to the sequence, and later
    batches see what `work` has written. If the process is killed here, a worker ends its session
    after the deadline.
    """

    async def work_at_boundary(transaction: Transaction) -> Result:
        await store.checkpoints.lock(consumer, transaction)
        return await work(transaction, await store.transitions.last_sequence(transaction))

    return await run_with_deadline(store, work_at_boundary)


async def handled_sequence(store: Store, consumer: Consumer, transaction: Transaction) -> int:
    """Returns the sequence up to which the consumer has handled all transitions, also those that
    were in quarantine."""
    checkpoint_sequence = await store.checkpoints.get(consumer, transaction)
    first_quarantined = await store.quarantine.first_sequence(consumer, transaction)
    if first_quarantined is None:
        return checkpoint_sequence
    return min(checkpoint_sequence, first_quarantined - 1)


async def run_with_deadline(
    store: Store, work: Callable[[Transaction], Awaitable[Result]]
) -> Result:
    """Runs `work` in a transaction and returns its result. If the process is killed here, a worker
    ends the session after the deadline, and so releases the transaction's locks."""
    async with store.session() as session:

        async def work_with_deadline(transaction: Transaction) -> Result:
            await store.transaction_deadlines.set(transaction, TRANSACTION_DEADLINE_SECONDS)
            return await work(transaction)

        try:
            return await store.transaction(work_with_deadline, session)
        finally:
            # The transaction has ended. A deadline row that stays behind does no harm.
            with suppress(DatabaseError):
                await store.transaction_deadlines.remove(session)
