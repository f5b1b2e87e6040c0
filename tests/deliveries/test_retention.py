"""What deliveries keep of customers, and for how long."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from bson import ObjectId

from app.local.mongod import Mongod
from app.local.valkey import Valkey
from app.services.deliveries import retention
from tests.api import Json, running_api
from tests.deliveries.distribution_client import (
    DELETE,
    RETRY,
    RETRY_ALL,
    SET_STATE,
    DistributionClient,
)
from tests.deliveries.receiver import Receiver, answer_status
from tests.engine.conftest import wait_until
from workers.jobs import sweep_deliveries

SECRET = "ann@example.com"
DELETE_CUSTOMER = (
    "mutation($id: String!) { customerDelete(customer: {sourceId: $id})"
    " { deletedId userErrors { message } } }"
)


async def make_deliveries(client: DistributionClient, url: str, *names: str, **fields: Any) -> str:
    """Makes one delivery for each new customer; returns the id of the distribution."""
    for name in names:
        await client.api.upsert(name, email=SECRET)
    return await client.create_with_deliveries(url, *names, **fields)


def find_rows(client: DistributionClient, distribution: str) -> list[Json]:
    rows = client.api.database.deliveries.find({"distributionId": ObjectId(distribution[4:])})
    return list(rows.sort("_id", 1))


def has_secret(client: DistributionClient, distribution: str) -> list[bool]:
    """Whether each delivery holds the address of the customer, False first."""
    return sorted(SECRET in str(row) for row in find_rows(client, distribution))


def make_older(client: DistributionClient, days: float) -> None:
    at = datetime.now(UTC) - timedelta(days=days)
    client.api.database.deliveries.update_many({}, {"$set": {"at": at}})


async def delete_customer(client: DistributionClient, name: str) -> None:
    """Deletes the customer, and sweeps the rows."""
    id_ = (await client.api.fetch(DELETE_CUSTOMER, id=name))["deletedId"]
    tombstones = client.api.services.store.customer_tombstones
    while await tombstones.sweep([id_], 2):
        assert client.api.database.customerTombstones.count_documents({}) == 1
    assert client.api.database.customerTombstones.count_documents({}) == 0


async def refuse_all(client: DistributionClient, distribution: str, count: int) -> None:
    """Sends deliveries to a receiver that answers 410. Each answer pauses the distribution."""
    for failed_count in range(1, count + 1):
        await client.change(SET_STATE, id=distribution, state="LIVE")
        expected = {"FAILED": failed_count, "PENDING": count - failed_count}
        async with client.sending():
            await client.wait_for_counts(
                distribution, **{status: count for status, count in expected.items() if count}
            )


def echo(status: int) -> Any:
    return answer_status(status, f"no such user {SECRET}")


async def test_a_failed_delivery_forgets_a_deleted_customer(
    client: DistributionClient, receiver: Receiver
) -> None:
    receiver.answer = echo(410)
    distribution = await make_deliveries(client, receiver.url(), "ann", "bob")
    await refuse_all(client, distribution, 2)
    assert has_secret(client, distribution) == [True, True]

    await delete_customer(client, "ann")
    assert has_secret(client, distribution) == [False, True]
    (forgotten,) = [row for row in await client.deliveries(distribution) if row["customer"] is None]
    assert forgotten["status"] == "FAILED"
    assert "the customer has been deleted" in forgotten["lastError"]
    assert await client.api.list_errors(RETRY, id=forgotten["id"]) == ["INVALID id"]
    assert await client.api.fetch(RETRY_ALL, id=distribution, first=10) == 1


async def test_a_farewell_is_still_sent_and_then_forgotten(
    client: DistributionClient, receiver: Receiver
) -> None:
    names = [f"c{index}" for index in range(5)]
    accepted = await make_deliveries(client, receiver.url("/accepted"), *names)
    await client.change(SET_STATE, id=accepted, state="PAUSED")
    await delete_customer(client, "c0")
    assert has_secret(client, accepted) == [True] * 5
    await client.change(SET_STATE, id=accepted, state="LIVE")
    async with client.sending():
        await client.wait_for_counts(accepted, DELIVERED=5)
        assert sorted(body["customer"]["sourceId"] for body in receiver.bodies) == names
    assert has_secret(client, accepted) == [False] * 5

    receiver.answer = echo(410)
    refused = await make_deliveries(client, receiver.url("/refused"), "ann")
    await delete_customer(client, "ann")
    async with client.sending():
        await client.wait_for_counts(refused, FAILED=1)
    assert has_secret(client, refused) == [False]
    assert find_rows(client, refused)[0]["attempts"] == 1


async def test_a_delivery_that_was_made_during_the_deletion_is_forgotten(
    client: DistributionClient, receiver: Receiver
) -> None:
    receiver.answer = echo(410)
    distribution = await make_deliveries(client, receiver.url(), "ann", "bob")
    await delete_customer(client, "ann")
    # The sweeper has not seen it: its transaction committed later.
    client.api.database.deliveries.update_many({}, {"$unset": {"customerDeleted": ""}})
    await refuse_all(client, distribution, 2)
    assert has_secret(client, distribution) == [False, True]


async def test_a_retried_delivery_of_a_deleted_distribution_fails(
    client: DistributionClient, receiver: Receiver
) -> None:
    receiver.answer = answer_status(410)
    distribution = await make_deliveries(client, receiver.url(), "ann")
    async with client.sending():
        await client.wait_for_counts(distribution, FAILED=1)
        (delivery,) = await client.deliveries(distribution)
        await client.change(DELETE, id=distribution)
        await client.change(RETRY, id=delivery["id"])

        async def has_failed_again() -> bool:
            (row,) = find_rows(client, distribution)
            return bool(row["status"] == "FAILED")

        await wait_until(has_failed_again)
    (row,) = find_rows(client, distribution)
    assert row["lastError"] == "The distribution has been deleted."
    assert len(receiver.requests) == 1


async def test_the_content_of_a_failed_delivery_stays_for_30_days(
    client: DistributionClient, receiver: Receiver
) -> None:
    receiver.answer = answer_status(410)
    distribution = await make_deliveries(client, receiver.url(), "ann", "bob")
    await refuse_all(client, distribution, 2)
    ctx = {"services": client.api.services}
    make_older(client, 29)
    await sweep_deliveries(ctx)
    assert await client.api.fetch(RETRY_ALL, id=distribution, first=1) == 1

    make_older(client, 31)
    await sweep_deliveries(ctx)
    rows = find_rows(client, distribution)
    # The one that is sent again keeps its content.
    assert sorted((row["status"], "content" in row) for row in rows) == [
        ("FAILED", False),
        ("PENDING", True),
    ]
    (failed,) = await client.deliveries(distribution, statuses=["FAILED"])
    answer = await client.api.fetch(RETRY, id=failed["id"])
    (error,) = answer["userErrors"]
    assert "is older than 30 days" in error["message"]
    assert await client.api.fetch(RETRY_ALL, id=distribution) == 0


@pytest.mark.parametrize("days", [None, 1.0])
async def test_finished_deliveries_are_deleted_after_the_retention(
    mongod: Mongod,
    valkey: Valkey,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
    days: float | None,
) -> None:
    monkeypatch.setattr(retention, "_ROWS_PER_BATCH", 2)
    settings = {"webhook_allow_private": True, "delivery_retention_days": days}
    async with running_api(mongod, valkey, **settings) as api:
        client = DistributionClient(api)
        names = [f"c{index}" for index in range(5)]
        delivered = await make_deliveries(client, receiver.url("/1"), *names)
        # The limit counts earlier deliveries.
        limited = await make_deliveries(client, receiver.url("/2"), *names, maxPerCustomer=1)
        async with client.sending():
            await client.wait_for_counts(delivered, DELIVERED=5)
            await client.wait_for_counts(limited, DELIVERED=5)
        pending = await make_deliveries(client, receiver.url("/3"), *names)
        ctx = {"services": api.services}
        await sweep_deliveries(ctx)
        assert api.database.deliveries.count_documents({}) == 15

        make_older(client, 2)
        await sweep_deliveries(ctx)
        assert await client.counts(delivered) == ({} if days else {"DELIVERED": 5})
        assert await client.counts(limited) == {"DELIVERED": 5}
        assert await client.counts(pending) == {"PENDING": 5}


async def test_a_delivery_of_a_member_stays_until_the_consumer_has_passed_the_backfill(
    mongod: Mongod, valkey: Valkey, receiver: Receiver
) -> None:
    settings = {"webhook_allow_private": True, "delivery_retention_days": 1}
    async with running_api(mongod, valkey, **settings) as api:
        client = DistributionClient(api)
        distribution = await make_deliveries(client, receiver.url(), "ann")
        async with client.sending():
            await client.wait_for_counts(distribution, DELIVERED=1)
        make_older(client, 2)
        sequence = await api.services.store.transitions.last_sequence()
        for through, left in ((None, 1), (sequence + 1, 1), (sequence, 0)):
            backfill = {"filterRevision": 1, "lastCustomerId": "", "through": through}
            api.database.distributions.update_one({}, {"$set": {"memberBackfill": backfill}})
            await sweep_deliveries({"services": api.services})
            assert api.database.deliveries.count_documents({}) == left
