"""Codes: claimed with the delivery, never twice; a pool that runs out pauses the distribution."""

import asyncio
from datetime import UTC, datetime

import pytest

from app.services.code_pools import MAX_CODES_GENERATED_AT_ONCE
from app.services.deliveries import code_backlog
from app.store.leases import DELIVERY_UPKEEP_LEASE
from tests.deliveries.distribution_client import (
    DELETE,
    SET_STATE,
    UPDATE,
    DistributionClient,
)
from tests.deliveries.receiver import Receiver
from tests.patience import PATIENCE_SECONDS
from tests.referral_client import LIST_RECIPIENTS

CREATE_POOL = (
    "mutation($input: CodePoolInput!) { codePoolCreate(input: $input)"
    " { codePool { id } userErrors { code path message } } }"
)
ADD_CODES = (
    "mutation($id: ID!, $codes: [String!]!) { codePoolAddCodes(id: $id, codes: $codes)"
    " { codePool { availableCount usedBy { name node { id } } } userErrors { code path message } }"
    " }"
)
DELETE_POOL = (
    "mutation($id: ID!) { codePoolDelete(id: $id) { codePool { id }"
    " userErrors { code path message } } }"
)


async def create_pool(client: DistributionClient, *codes: str) -> str:
    payload = await client.change(CREATE_POOL, input={"name": "codes", "codes": list(codes)})
    return str(payload["codePool"]["id"])


async def test_each_delivery_has_a_code_of_its_own(
    client: DistributionClient, receiver: Receiver
) -> None:
    names = [f"c{index}" for index in range(3)]
    await client.api.bulk_upsert("customersUpsert", [{"sourceId": name} for name in names])
    segment = await client.create_segment("Everybody")
    pool = await create_pool(client, "A", "B", "C", "D")
    distribution = await client.create(segment, receiver.url(), codePoolId=pool)
    await client.append_entered(segment, *names)
    await client.make_deliveries()
    async with client.sending():
        await client.wait_for_counts(distribution, DELIVERED=3)

    assert {body["code"] for body in receiver.bodies} == {"A", "B", "C"}
    rows = await client.deliveries(distribution)
    sent = {body["id"]: body["code"] for body in receiver.bodies}
    assert {row["id"]: row["code"] for row in rows} == sent
    recipients = await client.api.fetch(LIST_RECIPIENTS, code="A")
    assert [recipient["giver"] for recipient in recipients] == [{"id": distribution}]
    assert recipients[0]["customer"]["sourceId"] in names
    for other in ("D", "a"):
        assert await client.api.fetch(LIST_RECIPIENTS, code=other) == []
    assert await client.api.services.code_pools.recipients("\ud800") == []
    payload = await client.change(ADD_CODES, id=pool, codes=["E"])
    assert payload["codePool"] == {
        "availableCount": 2,
        "usedBy": [{"name": "hello", "node": {"id": distribution}}],
    }
    assert await client.api.list_errors(DELETE_POOL, id=pool) == ["INVALID id"]
    await client.change(DELETE, id=distribution)
    await client.change(DELETE_POOL, id=pool)


async def test_a_pool_whose_codes_are_being_generated_pauses_nothing(
    client: DistributionClient, receiver: Receiver
) -> None:
    """The deliveries wait for the job, and the distribution makes those of later transitions."""
    names = ["c0", "c1", "c2"]
    await client.api.bulk_upsert("customersUpsert", [{"sourceId": name} for name in names])
    segment = await client.create_segment("Everybody")
    empty_pool = await create_pool(client)
    distribution = await client.create(segment, receiver.url(), codePoolId=empty_pool)
    await client.append_entered(segment, names[0])
    await client.make_deliveries()
    assert (await client.fetch_distribution(distribution))["state"] == "PAUSED"

    generation = {"count": MAX_CODES_GENERATED_AT_ONCE + 1}
    payload = await client.change(CREATE_POOL, input={"name": "codes", "generate": generation})
    pool = payload["codePool"]["id"]
    await client.change(UPDATE, id=distribution, input={"codePoolId": pool})
    await client.change(SET_STATE, id=distribution, state="LIVE")
    await client.append_entered(segment, names[1])
    await client.make_deliveries()
    assert (await client.fetch_distribution(distribution))["state"] == "LIVE"
    assert [row["code"] for row in await client.deliveries(distribution)] == [None, None]

    await client.api.services.code_pools.generate(pool)
    await client.append_entered(segment, names[2])
    await client.make_deliveries()
    async with client.sending():
        await client.wait_for_counts(distribution, DELIVERED=3)
    assert len({body["code"] for body in receiver.bodies} - {None}) == 3


async def test_deliveries_without_a_code_wait_for_more(
    client: DistributionClient, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(code_backlog, "_DELIVERIES_PER_PAGE", 2)
    names = [f"c{index}" for index in range(8)]
    await client.api.bulk_upsert("customersUpsert", [{"sourceId": name} for name in names])
    segment = await client.create_segment("Everybody")
    pool = await create_pool(client, "A")
    distribution = await client.create(segment, receiver.url("/old"), codePoolId=pool)
    await client.append_entered(segment, *names[:6])
    await client.make_deliveries()
    # Paused now, so this one makes nothing.
    await client.append_entered(segment, names[6])
    await client.make_deliveries()

    shown = await client.fetch_distribution(distribution)
    assert shown["state"] == "PAUSED"
    assert shown["pausedBecause"].startswith("The code pool has run out.")
    assert await client.counts(distribution) == {"PENDING": 6}
    rows = await client.deliveries(distribution)
    assert sorted(row["nextAttemptAt"] is None for row in rows) == [False, *[True] * 5]
    errors = await client.api.list_errors(SET_STATE, id=distribution, state="LIVE")
    assert errors == ["OUT_OF_CODES id"]
    channel = {"webhook": {"url": receiver.url("/new")}}
    await client.change(UPDATE, id=distribution, input={"channel": channel})
    async with client.sending():
        await client.change(ADD_CODES, id=pool, codes=["B", "C", "D"])
        await client.make_deliveries()
        assert await client.counts(distribution) == {"PENDING": 6}
        await client.change(SET_STATE, id=distribution, state="LIVE")
        await client.make_deliveries()
        # Four codes for six deliveries: it is paused again.
        assert (await client.fetch_distribution(distribution))["state"] == "PAUSED"
        await client.change(ADD_CODES, id=pool, codes=["E", "F", "G"])
        await client.change(SET_STATE, id=distribution, state="LIVE")
        await client.append_entered(segment, names[7])
        await client.make_deliveries()
        await client.wait_for_counts(distribution, DELIVERED=7)

    assert sorted(body["code"] for body in receiver.bodies) == list("ABCDEFG")
    by_customer = {body["customer"]["sourceId"]: body for body in receiver.bodies}
    assert by_customer.keys() == {*names} - {names[6]}
    paths = {request.json["customer"]["sourceId"]: request.path for request in receiver.requests}
    assert paths == {**dict.fromkeys(names[:6], "/old"), names[7]: "/new"}


async def test_the_upkeep_of_a_killed_worker_blocks_no_other(
    client: DistributionClient, receiver: Receiver
) -> None:
    """MongoDB would keep the locks of its open transaction for a minute."""
    store = client.api.services.store
    await client.api.bulk_upsert("customersUpsert", [{"sourceId": "c0"}])
    segment = await client.create_segment("Everybody")
    pool = await create_pool(client)
    distribution = await client.create(segment, receiver.url(), codePoolId=pool)
    await client.append_entered(segment, "c0")
    await client.make_deliveries()
    await client.change(ADD_CODES, id=pool, codes=["A"])
    await client.change(SET_STATE, id=distribution, state="LIVE")
    client.api.database.leases.update_one(
        {"_id": DELIVERY_UPKEEP_LEASE},
        {"$set": {"leaseExpiresAt": datetime(2026, 1, 1, tzinfo=UTC)}},
    )
    async with store.session() as killed_session:
        assert await store.leases.acquire(DELIVERY_UPKEEP_LEASE, "killed", 0, killed_session)
        killed_session.start_transaction()
        assert await store.code_pools.claim(pool, 1, killed_session) == ["A"]
        async with asyncio.timeout(PATIENCE_SECONDS):
            await client.api.services.delivery_worker.upkeep.run_until_done()
        assert [row["code"] for row in await client.deliveries(distribution)] == ["A"]


async def test_consumers_that_conflict_over_a_pool_share_it(
    client: DistributionClient, receiver: Receiver
) -> None:
    """Members and transitions claim from one pool at the same time."""
    names = [f"c{index}" for index in range(300)]
    await client.api.bulk_upsert("customersUpsert", [{"sourceId": name} for name in names])
    segment = await client.create_segment("Everybody")
    pool = await create_pool(client, *(f"code {index}" for index in range(700)))
    first = await client.create(segment, receiver.url(), codePoolId=pool)
    second = await client.create(segment, receiver.url(), codePoolId=pool)
    for start in range(0, 300, 50):
        await client.append_entered(segment, *names[start : start + 50])
    services = client.api.services
    await asyncio.gather(*(services.consumers.drain() for _ in range(3)))
    await client.make_deliveries()

    codes = [row["code"] for row in client.api.database.deliveries.find()]
    assert len(codes) == len(set(codes)) == 600
    assert await client.counts(first) == await client.counts(second) == {"PENDING": 300}
