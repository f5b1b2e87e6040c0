"""Pauses a distribution for a reason that the program found."""

from app.domain.consumers import Consumer
from app.services.definitions_reader import DefinitionsReader
from app.services.log_boundary import at_log_boundary
from app.store import Store, Transaction


async def pause_distribution(
    store: Store, definitions: DefinitionsReader, distribution_id: str, because: str
) -> None:
    """Pauses the distribution after the present end of the log. It changes nothing if the
    distribution is paused or deleted already."""

    async def work(transaction: Transaction, last_sequence: int) -> None:
        await pause_in_transaction(
            store, definitions, distribution_id, because, last_sequence, transaction
        )

    await at_log_boundary(store, Consumer.DELIVERIES, work)


async def pause_in_transaction(
    store: Store,
    definitions: DefinitionsReader,
    distribution_id: str,
    because: str,
    last_sequence: int,
    transaction: Transaction,
) -> None:
    """Pauses the distribution in a transaction that writes the checkpoint of the deliveries
    consumer."""
    current = await store.distributions.get_progress(distribution_id, transaction)
    if current is not None and current.distribution.is_live:
        revision = (await definitions.lock(transaction)).revision + 1
        paused = current.distribution.pause(last_sequence, because)
        await store.distributions.save(paused, revision, transaction)
