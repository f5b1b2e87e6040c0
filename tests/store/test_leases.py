"""Errors of MongoDB while a worker acquires or releases a lease do no lasting harm."""

import asyncio
from collections.abc import Sequence
from contextlib import ExitStack

import pytest

from app.domain.transitions import Transition
from app.store import DatabaseError, Transaction
from tests.api import Api, Json
from tests.deliveries.distribution_client import DistributionClient
from tests.engine.conftest import wait_until
from tests.failpoints import count_failures, failing_commands
from tests.loyalty_client import LoyaltyClient
from tests.services.recording_consumer import (
    RecordingConsumer,
    create_runner,
    running_consumers,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize("failure", [{"errorCode": 10107}, {"closeConnection": True}], ids=str)
async def test_a_consumer_continues_after_its_release_has_failed(api: Api, failure: Json) -> None:
    """Its heartbeat goes on, so that nobody could claim a lease that still names it."""
    loyalty_client, recorder = LoyaltyClient(api), RecordingConsumer(api)
    database, failpoint = api.database, ExitStack()
    segment = await loyalty_client.create_segment(f"of {failure}")
    await api.bulk_upsert("customersUpsert", [{"sourceId": "ann"}])
    wait_for_failures = count_failures(database)

    async def handle(transaction: Transaction, transitions: Sequence[Transition]) -> None:
        if not recorder.batch_sizes:
            # The next update advances the checkpoint; the one after it releases the lease.
            failpoint.enter_context(
                failing_commands(database, "update", mode={"skip": 1}, **failure)
            )
        await recorder.handle(transaction, transitions)

    before = await api.services.store.transitions.last_sequence()
    await loyalty_client.append_entered(segment, "ann")
    with failpoint:
        async with running_consumers(create_runner(loyalty_client, handle)):
            await asyncio.to_thread(wait_for_failures, 2)
            failpoint.close()
            await loyalty_client.append_left(segment, "ann")
            await wait_until(lambda: recorder.has_handled(before + 1, before + 2))
    database.effects.delete_many({})


async def test_failures_of_the_worker_before_are_forgotten_although_mongodb_fails(
    api: Api,
) -> None:
    client, distributions = DistributionClient(api), api.services.store.distributions
    segment = await client.create_segment("of a failure")
    distribution = await client.create(segment, "https://shop.example/")
    await distributions.save_upkeep_failure(distribution, "code backlog", "an error")
    upkeep = api.services.delivery_worker.upkeep

    # The first update acquires the lease.
    with (
        failing_commands(api.database, "update", mode={"skip": 1}, errorCode=10107),
        pytest.raises(DatabaseError),
    ):
        await upkeep.run_until_done()
    await upkeep.run_until_done()
    assert await distributions.with_upkeep_failure(1) == []
