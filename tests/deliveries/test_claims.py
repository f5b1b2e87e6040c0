"""Claims of deliveries: they end with the worker that holds them."""

from datetime import UTC, datetime, timedelta

import pytest

from app.store.delivery_queue import CLAIM_GRACE_SECONDS
from tests.deliveries.distribution_client import DistributionClient
from tests.deliveries.receiver import Receiver, answer_never, answer_status
from tests.engine.conftest import wait_until

LEASE_SECONDS = 600.0


async def make_deliveries(client: DistributionClient, url: str, *names: str) -> str:
    """Makes one delivery for each new customer; returns the id of the distribution."""
    for name in names:
        await client.api.upsert(name)
    return await client.create_with_deliveries(url, *names)


async def claim(client: DistributionClient, distribution: str, worker: str) -> int:
    """Claims as the worker; returns the number of claimed deliveries."""
    queue = client.api.services.store.delivery_queue
    claimed = await queue.claim(
        distribution, [], 10, f"owner {worker}", worker, LEASE_SECONDS, datetime.now(UTC)
    )
    return len(claimed)


def set_last_heartbeat(client: DistributionClient, worker: str, ended_seconds: float) -> None:
    expired_at = datetime.now(UTC) - timedelta(seconds=ended_seconds)
    client.api.database.heartbeats.update_one(
        {"_id": worker}, {"$set": {"expiresAt": expired_at}}, upsert=True
    )


async def test_no_other_worker_claims_what_a_living_one_has(
    client: DistributionClient, receiver: Receiver
) -> None:
    distribution = await make_deliveries(client, receiver.url(), "ann")
    async with client.api.services.store.heartbeats.keep_alive("busy"):
        assert await claim(client, distribution, "busy") == 1
        assert await claim(client, distribution, "other") == 0
    assert await claim(client, distribution, "other") == 1


@pytest.mark.parametrize(
    ("ended_seconds", "is_claimed"),
    [(0.8 * CLAIM_GRACE_SECONDS, False), (CLAIM_GRACE_SECONDS + 0.1, True)],
)
async def test_the_claims_of_a_killed_worker_end_soon(
    client: DistributionClient, receiver: Receiver, ended_seconds: float, is_claimed: bool
) -> None:
    distribution = await make_deliveries(client, receiver.url(), "ann")
    assert await claim(client, distribution, "killed") == 1
    set_last_heartbeat(client, "killed", ended_seconds)
    assert await claim(client, distribution, "other") == is_claimed


async def test_a_worker_that_starts_leaves_the_claims_of_a_late_one(
    client: DistributionClient, receiver: Receiver
) -> None:
    distribution = await make_deliveries(client, receiver.url(), "ann")
    assert await claim(client, distribution, "late") == 1
    set_last_heartbeat(client, "late", 0.5 * CLAIM_GRACE_SECONDS)
    async with client.api.services.store.heartbeats.keep_alive("new"):
        assert await claim(client, distribution, "new") == 0


async def test_a_worker_keeps_its_claims_while_heartbeats_fail(
    client: DistributionClient, receiver: Receiver
) -> None:
    distribution = await make_deliveries(client, receiver.url(), "ann")
    assert await claim(client, distribution, "late") == 1
    assert await claim(client, distribution, "late") == 0


async def test_a_stopped_sender_leaves_no_claims(
    client: DistributionClient, receiver: Receiver
) -> None:
    distribution = await make_deliveries(client, receiver.url(), "ann", "bob", "cid")
    receiver.answer = answer_never
    async with client.sending():

        async def is_sending() -> bool:
            return len(receiver.requests) == 1

        await wait_until(is_sending)
    receiver.answer = answer_status(200)
    async with client.sending():
        await client.wait_for_counts(distribution, DELIVERED=3)


async def test_an_endpoint_that_fails_releases_its_claims(
    client: DistributionClient, receiver: Receiver
) -> None:
    names = [f"c{index}" for index in range(100)]
    distribution = await make_deliveries(client, receiver.url(), *names)
    async with client.sending():
        await client.wait_for_counts(distribution, DELIVERED=100)
        await client.append_entered(
            (await client.fetch_distribution(distribution))["segment"]["id"], *names
        )
        receiver.answer = answer_status(500)
        await client.make_deliveries()

        async def has_refused() -> bool:
            return bool((await client.counts(distribution)).get("RETRYING"))

        await wait_until(has_refused)
        receiver.answer = answer_status(200)

        async def is_idle() -> bool:
            return not (await client.counts(distribution)).get("PENDING")

        # Far less than a lease.
        await wait_until(is_idle, 20)
