"""Pauses a distribution for a reason that the program found."""

from collections.abc import Iterable

from app.domain.consumers import Consumer
from app.services.definitions_reader import DefinitionsReader
from app.services.log_boundary import at_log_boundary
from app.store import Store, Transaction

OUT_OF_CODES = (
    "The code pool has run out. Add codes and set the distribution LIVE: the deliveries that wait"
    " are sent then."
)


async def pause_distribution(
    store: Store, definitions: DefinitionsReader, distribution_id: str, because: str
) -> None:
    """Pauses the distribution after the present end of the log. It changes nothing if the
    distribution is paused or deleted already."""

    async def work(transaction: Transaction, _: int) -> None:
        await pause_in_transaction(store, definitions, distribution_id, because, transaction)

    await at_log_boundary(store, Consumer.DELIVERIES, work)


async def pause_without_codes(
    store: Store,
    definitions: DefinitionsReader,
    pool_id: str,
    distribution_ids: Iterable[str],
    transaction: Transaction,
) -> None:
    """Pauses the distributions, whose pool had no code for some of their deliveries. They are not
    paused while a job generates more codes."""
    ids = sorted(distribution_ids)
    if ids and not await store.code_pools.is_generating(pool_id, transaction):
        for id_ in ids:
            await pause_in_transaction(store, definitions, id_, OUT_OF_CODES, transaction)


async def pause_in_transaction(
    store: Store,
    definitions: DefinitionsReader,
    distribution_id: str,
    because: str,
    transaction: Transaction,
) -> None:
    """Pauses the distribution, as `pause_distribution` does, in a transaction."""
    current = await store.distributions.get_progress(distribution_id, transaction)
    if current is not None and current.distribution.is_live:
        await store.checkpoints.lock(Consumer.DELIVERIES, transaction)
        last_sequence = await store.transitions.last_sequence(transaction)
        paused = current.distribution.pause(last_sequence, because)
        revision = (await definitions.lock(transaction)).revision + 1
        await store.distributions.save(paused, revision, transaction)
