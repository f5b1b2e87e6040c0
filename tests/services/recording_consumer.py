"""A consumer that records what it handles, and functions that tests of consumers share."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from app.domain.consumers import Consumer, ConsumerStatus
from app.domain.transitions import Transition
from app.services.consumers import ConsumerRunner, Handler
from app.store import Transaction
from tests.api import Api
from tests.loyalty_client import LoyaltyClient


class RecordingConsumer:
    """A consumer that records the transitions it handles, and raises the errors that a test
    sets."""

    def __init__(self, api: Api) -> None:
        self._effects = api.services.store._database.effects
        self._documents = api.database.effects
        self.errors_by_sequence: dict[int, Exception] = {}
        self.delay_seconds = 0.0
        self.batch_sizes: list[int] = []

    async def handle(self, transaction: Transaction, transitions: Sequence[Transition]) -> None:
        self.batch_sizes.append(len(transitions))
        await asyncio.sleep(self.delay_seconds)
        rows = [{"_id": transition.sequence} for transition in transitions]
        await self._effects.insert_many(rows, session=transaction)
        for transition in transitions:
            if error := self.errors_by_sequence.get(transition.sequence):
                raise error

    @property
    def handled_sequences(self) -> set[int]:
        return {row["_id"] for row in self._documents.find()}

    async def has_handled(self, *sequences: int) -> bool:
        return self.handled_sequences == set(sequences)


async def handle_nothing(_: Transaction, __: Sequence[Transition]) -> None:
    """A consumer without effects."""


def create_runner(
    loyalty_client: LoyaltyClient, handle: Handler, max_batch: int = 512
) -> ConsumerRunner:
    return ConsumerRunner(
        loyalty_client.api.services.store, Consumer.LOYALTY, handle, max_batch_size=max_batch
    )


@asynccontextmanager
async def running_consumers(*runners: ConsumerRunner) -> AsyncIterator[None]:
    tasks = [
        asyncio.create_task(consumer_runner.run(asyncio.Event())) for consumer_runner in runners
    ]
    try:
        yield
        assert not any(task.done() for task in tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def has_quarantined(loyalty_client: LoyaltyClient, count: int) -> bool:
    return (await fetch_status(loyalty_client)).quarantined_count == count


async def fetch_status(loyalty_client: LoyaltyClient) -> ConsumerStatus:
    consumers = (await loyalty_client.api.services.engine_status.read()).consumers
    (loyalty,) = (row for row in consumers if row.checkpoint.consumer is Consumer.LOYALTY)
    return loyalty


async def enter_customers(loyalty_client: LoyaltyClient, number: int) -> None:
    """Makes this many customers enter a segment."""
    segment = await loyalty_client.create_segment("all")
    names = [f"c{index}" for index in range(number)]
    await loyalty_client.api.bulk_upsert("customersUpsert", [{"sourceId": name} for name in names])
    await loyalty_client.append_entered(segment, *names)
