"""The job that converts stored values: kills, a flushed queue, late runs."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from bson import ObjectId
from redis import Redis

from app.job_queue import ArqQueue, connect
from app.services import metadata_conversion
from app.services.code_pools import GENERATE_CODES_JOB
from app.services.exports.export_worker import RUN_EXPORTS_JOB
from app.services.metadata import CONVERT_METADATA_JOB
from tests.burst_worker import run_burst_worker
from tests.metadata.conftest import MetadataShop
from workers.jobs import JOBS

pytestmark = pytest.mark.asyncio(loop_scope="module")

MANY_CUSTOMERS = 3_500


@pytest.fixture
def count_by_type(shop: MetadataShop, key: str) -> Callable[[str], int]:
    """Counts the customers whose value has this BSON type."""
    now = datetime.now(UTC)
    shop.api.database.customers.insert_many(
        {
            "_id": ObjectId(),
            "sourceId": uuid4().hex,
            "createdAt": now,
            "updatedAt": now,
            "version": 1,
            "searchWords": [],
            "searchTokens": [],
            "searchKeys": [],
            "metadata": {key: "2026-03-29"},
        }
        for _ in range(MANY_CUSTOMERS)
    )
    path = f"metadata.{key}"
    return lambda type_: shop.api.database.customers.count_documents({path: {"$type": type_}})


def definition_row(shop: MetadataShop, key: str) -> dict[str, Any]:
    row = shop.api.database.metadataDefinitions.find_one({"_id": key})
    assert row
    return row


async def test_a_worker_finds_it_in_the_queue(
    shop: MetadataShop, key: str, count_by_type: Callable[[str], int], redis_client: Redis
) -> None:
    redis_client.flushall()
    await shop.set_definition(key, "DATE")
    assert redis_client.zcard("arq:queue") == 1
    await run_burst_worker(shop.api.settings)
    assert (await shop.fetch_definition(key))["state"] == "READY"
    assert (count_by_type("date"), count_by_type("string")) == (MANY_CUSTOMERS, 0)
    assert "owner" not in definition_row(shop, key)


async def test_a_worker_finds_it_when_redis_has_forgotten(
    shop: MetadataShop, key: str, redis_client: Redis
) -> None:
    customer = await shop.create_customer(**{key: "2026-03-29"})
    await shop.set_definition(key, "DATE")
    redis_client.flushall()
    await run_burst_worker(shop.api.settings)
    assert (await shop.fetch_definition(key))["state"] == "READY"
    assert await shop.fetch_metadata(customer) == {key: "2026-03-29"}


async def test_it_is_set_while_redis_is_down(
    shop: MetadataShop, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody = connect("redis://127.0.0.1:1")
    monkeypatch.setattr(shop.api.services.metadata, "_queue", ArqQueue(nobody))
    payload = await shop.set_definition(key, "DATE")
    assert payload["definition"]["state"] == "CHECKING"
    await run_burst_worker(shop.api.settings)
    assert (await shop.fetch_definition(key))["state"] == "READY"


@pytest.mark.parametrize("method", ["stored_values", "replace_values", "save_progress", "advance"])
async def test_a_job_killed_at_any_step_is_resumed(
    shop: MetadataShop,
    key: str,
    count_by_type: Callable[[str], int],
    method: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await shop.set_definition(key, "DATE")
    store = shop.api.services.store.metadata_definitions
    real, calls = getattr(store, method), 0

    async def once_more(*arguments: Any) -> Any:
        nonlocal calls
        result = await real(*arguments)
        calls += 1
        if calls % 2 == 0 and calls < 20:
            raise asyncio.CancelledError
        return result

    monkeypatch.setattr(store, method, once_more)
    killed = 0
    while definition_row(shop, key)["state"] != "READY":
        try:
            await shop.api.services.metadata.convert(key)
        except asyncio.CancelledError:
            killed += 1
    assert killed
    assert (count_by_type("date"), count_by_type("string")) == (MANY_CUSTOMERS, 0)
    changed = {"metadata." + key: {"$exists": True}, "version": {"$ne": 2}}
    assert shop.api.database.customers.count_documents(changed) == 0


async def test_counting_resumes_where_it_stopped(
    shop: MetadataShop,
    key: str,
    count_by_type: Callable[[str], int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await shop.create_customer(**{key: "last"})
    await shop.set_definition(key, "DATE")
    store = shop.api.services.store.metadata_definitions
    held, places = store.stored_values, []

    async def killed_at_the_third(*arguments: Any) -> Any:
        places.append(arguments[2])
        if len(places) == 3:
            raise asyncio.CancelledError
        return await held(*arguments)

    monkeypatch.setattr(store, "stored_values", killed_at_the_third)
    with pytest.raises(asyncio.CancelledError):
        await shop.api.services.metadata.convert(key)
    refused = await shop.convert(key)
    assert refused["problem"].startswith('1 value does not fit, "last"')
    assert places[3] == places[2]
    assert places[3] is not None


async def test_two_workers_never_convert_the_same_key(
    shop: MetadataShop, key: str, count_by_type: Callable[[str], int]
) -> None:
    await shop.set_definition(key, "DATE")
    store = shop.api.services.store.metadata_definitions
    claims = await asyncio.gather(*(store.claim(key, owner) for owner in "abcd"))
    assert len([claim for claim in claims if claim]) == 1
    assert key not in await store.claimable_keys()
    await shop.convert(key)
    assert definition_row(shop, key)["state"] == "CHECKING"

    # The worker was killed: nobody renews the lease, and it expires.
    expire_lease(shop, key)
    assert key in await store.claimable_keys()
    assert (await shop.convert(key))["state"] == "READY"


async def test_a_worker_that_lost_the_key_changes_nothing(shop: MetadataShop, key: str) -> None:
    await shop.set_definition(key, "DATE")
    store = shop.api.services.store.metadata_definitions
    claimed = await store.claim(key, "slow")
    assert claimed
    expire_lease(shop, key)
    assert await store.claim(key, "next")
    assert not await store.save_progress(key, "slow", claimed[1])
    await store.release(key, "slow")
    assert definition_row(shop, key)["owner"] == "next"


async def test_a_redefinition_during_the_check_restarts_the_check(
    shop: MetadataShop,
    key: str,
    count_by_type: Callable[[str], int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await shop.set_definition(key, "DATE")
    store = shop.api.services.store.metadata_definitions
    held = store.stored_values

    async def set_meanwhile(*arguments: Any) -> Any:
        monkeypatch.setattr(store, "stored_values", held)
        await shop.set_definition(key, "STRING")
        return await held(*arguments)

    monkeypatch.setattr(store, "stored_values", set_meanwhile)
    await shop.convert(key)
    assert definition_row(shop, key)["type"] == "STRING"
    assert (await shop.convert(key))["state"] == "READY"
    assert (count_by_type("date"), count_by_type("string")) == (0, MANY_CUSTOMERS)


async def test_another_type_has_to_wait_for_the_conversion(
    shop: MetadataShop,
    key: str,
    count_by_type: Callable[[str], int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await shop.set_definition(key, "DATE")
    store = shop.api.services.store.metadata_definitions
    rewrite = store.replace_values
    refused = []

    async def set_meanwhile(*arguments: Any) -> Any:
        refused.append(await shop.list_errors(key, "STRING"))
        assert (await shop.set_definition(key, "DATE", label="Born"))["definition"][
            "state"
        ] == "CONVERTING"
        monkeypatch.setattr(store, "replace_values", rewrite)
        return await rewrite(*arguments)

    monkeypatch.setattr(store, "replace_values", set_meanwhile)
    await shop.convert(key)
    assert refused == [["INVALID input key"]]
    ready = await shop.convert(key)
    assert (ready["state"], ready["label"]) == ("READY", "Born")


async def test_a_late_write_is_converted_within_minutes(shop: MetadataShop, key: str) -> None:
    await shop.define_and_convert(key, "DATE")
    customer = await shop.create_customer()
    shop.api.database.customers.update_one(
        {"sourceId": customer}, {"$set": {f"metadata.{key}": "2026-03-29"}}
    )
    assert key in await shop.api.services.store.metadata_definitions.claimable_keys()
    await run_burst_worker(shop.api.settings)
    assert shop.read_stored_metadata(customer) == {key: datetime(2026, 3, 29, tzinfo=UTC)}

    long_ago = datetime.now(UTC) - timedelta(minutes=3)
    shop.api.database.metadataDefinitions.update_one({"_id": key}, {"$set": {"readyAt": long_ago}})
    assert key not in await shop.api.services.store.metadata_definitions.claimable_keys()


async def test_a_late_value_that_does_not_fit_stays_and_blocks_nothing(
    shop: MetadataShop, key: str
) -> None:
    await shop.set_definition(key, "DATE")
    shop.api.database.metadataDefinitions.update_one(
        {"_id": key}, {"$set": {"state": "CONVERTING"}}
    )
    customers = [await shop.create_customer() for _ in range(2)]
    for customer, value in zip(customers, ("2026-03-29", "abc"), strict=True):
        shop.api.database.customers.update_one(
            {"sourceId": customer}, {"$set": {f"metadata.{key}": value}}
        )
    assert (await shop.convert(key))["state"] == "READY"
    assert [await shop.fetch_metadata(customer) for customer in customers] == [
        {key: "2026-03-29"},
        {key: "abc"},
    ]


async def test_a_filter_made_during_the_conversion_is_waited_for(
    shop: MetadataShop, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await shop.create_customer(**{key: "2026-03-29"})
    await shop.set_definition(key, "DATE")
    store = shop.api.services.store.metadata_definitions
    rewrite, made = store.replace_values, list[str]()

    async def made_meanwhile(*arguments: Any) -> Any:
        monkeypatch.setattr(store, "replace_values", rewrite)
        condition = {"path": f"metadata.{key}", "operator": "CONTAINS", "value": "2026"}
        made.append(await shop.create_segment(condition))
        return await rewrite(*arguments)

    monkeypatch.setattr(store, "replace_values", made_meanwhile)
    waiting = await shop.convert(key)
    assert waiting["state"] == "CONVERTING"
    assert "edit those first" in waiting["problem"]
    await shop.api.fetch("mutation($id: ID!) { segmentDelete(id: $id) { deletedId } }", id=made[0])
    ready = await shop.convert(key)
    assert (ready["state"], ready["problem"]) == ("READY", None)


class RecordingQueue:
    """Records the jobs instead of queueing them."""

    def __init__(self) -> None:
        self.keys: list[str] = []

    async def enqueue(self, job: str, *arguments: str) -> None:
        assert job == CONVERT_METADATA_JOB
        self.keys.extend(arguments)


async def test_a_time_slice_that_ends_is_followed_by_another(
    shop: MetadataShop,
    key: str,
    count_by_type: Callable[[str], int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    queue, turns = RecordingQueue(), 0
    monkeypatch.setattr(shop.api.services.metadata, "_queue", queue)
    monkeypatch.setattr(metadata_conversion, "_MAX_RUN_SECONDS", 0)
    await shop.set_definition(key, "DATE")
    while queue.keys:
        turns += 1
        await shop.api.services.metadata.convert(queue.keys.pop())
    # One for each checked page, for each converted page, and one that found nothing.
    assert turns == 2 * 4 + 1
    assert (await shop.fetch_definition(key))["state"] == "READY"
    assert (count_by_type("date"), count_by_type("string")) == (MANY_CUSTOMERS, 0)


async def test_a_page_of_large_values_is_small(shop: MetadataShop, key: str) -> None:
    large = ["2026-03-29"] * 100_000
    customers = [await shop.create_customer() for _ in range(12)]
    shop.api.database.customers.update_many(
        {"sourceId": {"$in": customers}}, {"$set": {f"metadata.{key}": large}}
    )
    assert (
        0
        < len(
            await shop.api.services.store.metadata_definitions.stored_values(key, (), None, 1_000)
        )
        < 12
    )
    assert (await shop.define_and_convert(key, "DATE", isArray=True))["state"] == "READY"
    moments = {f"metadata.{key}": {"$type": "date"}}
    assert shop.api.database.customers.count_documents(moments) == 12
    assert shop.api.database.customers.count_documents({f"metadata.{key}": "2026-03-29"}) == 0


async def test_the_worker_registers_every_job_by_its_queued_name() -> None:
    queued_names = {CONVERT_METADATA_JOB, RUN_EXPORTS_JOB, GENERATE_CODES_JOB}
    assert {job.__name__ for job in JOBS} == queued_names


def expire_lease(shop: MetadataShop, key: str) -> None:
    past = datetime.now(UTC) - timedelta(seconds=1)
    shop.api.database.metadataDefinitions.update_one(
        {"_id": key}, {"$set": {"leaseExpiresAt": past}}
    )
