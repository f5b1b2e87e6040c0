"""What the sweeper removes, what it leaves for the engine, and the takeover from a killed
sweeper."""

import asyncio
import os
import signal
from pathlib import Path

from bson import ObjectId

from app.local.valkey import Valkey
from tests.api import Api, Json, running_api
from tests.engine.conftest import ShopWithEngine, wait_until
from tests.engine.model.cluster import WorkerProcess
from tests.engine.test_poison_changes import (
    BREAK_EVENT,
    CLICKED,
    partition_of_customers,
    track_click,
)
from tests.engine.test_transitions import is_true_filter
from tests.failpoints import FailingMongod, count_failures, failing_commands
from tests.local_processes import running_mongod

_EVENTS = 10_000
_ENTRANCES = 10_000
ORDERED_TWICE: Json = {"event": {"name": "order", "value": 2}}


def insert_events(api: Api, customer: str, event_count: int) -> None:
    """Inserts this many events of the customer, each with an idempotency key."""
    owner, at = ObjectId(customer[4:]), api.services.now().at
    event = {"customerId": owner, "name": "visited", "at": at, "properties": {}, "sinceVersion": 1}
    api.database.events.insert_many(
        {**event, "_id": ObjectId(), "idempotencyKey": f"{customer} {n}"}
        for n in range(event_count)
    )


def collections_with_rows(api: Api, id_: str) -> set[str]:
    """Returns the collections that still mention the customer or segment, without the log and the
    tombstones."""
    key = ObjectId(id_[4:])
    fields = ("_id", "customerId", "segmentId", "_id.segment")
    reference_filter = {"$or": [{field: key} for field in fields]}
    names = {*api.database.list_collection_names()} - {"transitions", "deletedSegments"}
    return {name for name in names if api.database[name].find_one(reference_filter)}


async def create_and_delete_large(shop: ShopWithEngine) -> tuple[str, str]:
    """Creates a customer and an active segment with many rows each, and deletes both."""
    api = shop.api
    customer = await api.upsert("large", metadata={"vip": True})
    insert_events(api, customer, _EVENTS)
    await api.bulk_upsert(
        "ordersUpsert", [{"customer": {"id": customer}, "sourceId": "o", "amount": 1}]
    )
    segment = await shop.create_active_segment("Large", is_true_filter("vip"))
    at = api.services.now().at
    api.database.retainedEntrances.insert_many(
        {"segmentId": ObjectId(segment[4:]), "customerId": ObjectId(), "enteredAt": at}
        for _ in range(_ENTRANCES)
    )
    await shop.delete_customer("large")
    query = "mutation($id: ID!) { segmentDelete(id: $id) { deletedId } }"
    assert (await api.fetch(query, id=segment))["deletedId"] == segment
    assert {"events", "orders", "customerTombstones"} <= collections_with_rows(api, customer)
    assert {"retainedEntrances", "segmentTombstones"} <= collections_with_rows(api, segment)
    return customer, segment


async def test_a_sweeper_that_is_killed_is_taken_over(
    shop_without_engine: ShopWithEngine, tmp_path: Path
) -> None:
    api = shop_without_engine.api
    other = await api.upsert("other")
    insert_events(api, other, 10)
    customer, segment = await create_and_delete_large(shop_without_engine)
    rows = {"customerId": ObjectId(customer[4:])}
    worker = WorkerProcess(tmp_path, 0, api.settings)
    worker.start()
    try:

        async def is_begun() -> bool:
            return api.database.events.count_documents(rows) < _EVENTS

        await wait_until(is_begun, 60)
        assert worker.pid
        os.kill(worker.pid, signal.SIGKILL)
    finally:
        await asyncio.to_thread(worker.stop)
    assert 0 < api.database.events.count_documents(rows) < _EVENTS
    assert "customerTombstones" in collections_with_rows(api, customer)
    abandoned_watermark = api.database.watermarks.find_one()
    assert abandoned_watermark

    async def is_done() -> bool:
        return not collections_with_rows(api, customer) and not collections_with_rows(api, segment)

    async def is_watermark_deleted() -> bool:
        return not api.database.watermarks.find_one({"_id": abandoned_watermark["_id"]})

    shop_without_engine.start_engine()
    await wait_until(is_done, 60)
    await wait_until(is_watermark_deleted)
    assert api.database.events.count_documents({}) == 10
    assert (await api.fetch_customer("other", "id"))["id"] == other


async def test_the_codes_of_a_deleted_pool_are_removed(
    shop_without_engine: ShopWithEngine,
) -> None:
    api, codes = shop_without_engine.api, shop_without_engine.api.database.codes
    gone, stays = [await _create_pool_of_2500_codes(api) for _ in range(2)]
    await api.services.code_pools.delete(gone)
    assert codes.count_documents({}) == 5_000

    async def is_swept() -> bool:
        has_tombstones = api.database.codePoolTombstones.find_one() is not None
        return not has_tombstones and codes.count_documents({}) == 2_500

    shop_without_engine.start_engine()
    await wait_until(is_swept)
    assert codes.count_documents({"_id.pool": ObjectId(stays[4:])}) == 2_500


async def _create_pool_of_2500_codes(api: Api) -> str:
    wire = {"name": "pool", "codes": [f"code {n}" for n in range(2_500)]}
    return (await api.services.code_pools.create(wire, api.services.now().at)).id


async def test_superseded_revisions_are_removed_once_the_engine_has_processed_them(
    shop_without_engine: ShopWithEngine,
) -> None:
    api, rows = shop_without_engine.api, shop_without_engine.api.database.orders
    segment = await shop_without_engine.create_active_segment("Bought twice", ORDERED_TWICE)
    for status in ("PAID", "CANCELED") * 10:
        who = {"customer": {"sourceId": "ann"}}
        orders = [{**who, "sourceId": f"a{n}", "amount": 1, "status": status} for n in range(2)]
        await api.bulk_upsert("ordersUpsert", orders)
    assert rows.count_documents({}) == 40

    async def is_swept() -> bool:
        return rows.count_documents({"untilVersion": {"$exists": True}}) == 0

    shop_without_engine.start_engine()
    await wait_until(is_swept)
    await shop_without_engine.wait_until_processed()
    log = await shop_without_engine.list_transitions(segment)
    assert [type_ for type_, _, _ in log] == ["ENTERED", "LEFT"] * 10
    assert rows.count_documents({"current": True}) == rows.count_documents({}) == 2


async def test_rows_that_a_quarantined_partition_needs_stay(
    shop_without_engine: ShopWithEngine,
) -> None:
    """The engine can't process one of two customers, which are in different partitions."""
    api = shop_without_engine.api
    clickers = await shop_without_engine.create_active_segment("Clickers", {"any": [CLICKED]})
    buyers = await shop_without_engine.create_active_segment("Bought twice", ORDERED_TWICE)
    await api.bulk_upsert("customersUpsert", [{"sourceId": f"c{n}"} for n in range(20)])
    where = partition_of_customers(shop_without_engine)
    bad = "c0"
    beside = next(who for who in where if where[who] != where[bad])
    await track_click(shop_without_engine, bad)
    api.database.events.update_one({}, BREAK_EVENT)
    for who in (bad, beside):
        for status in ("PAID", "CANCELED"):
            orders = [
                {"customer": {"sourceId": who}, "sourceId": f"{who} {n}", "amount": 1}
                | {"status": status}
                for n in range(2)
            ]
            await api.bulk_upsert("ordersUpsert", orders)
    ids = {who: api.read_customer_document(who)["_id"] for who in (bad, beside)}
    await shop_without_engine.delete_customer(bad)

    def superseded(who: str) -> int:
        query = {"customerId": ids[who], "untilVersion": {"$exists": True}}
        return api.database.orders.count_documents(query)

    async def is_swept() -> bool:
        return superseded(beside) == 0

    shop_without_engine.start_engine()
    await wait_until(is_swept, 30)
    assert superseded(bad) == 2
    assert {"events", "orders", "customerTombstones"} <= collections_with_rows(
        api, f"cus_{ids[bad]}"
    )

    api.database.events.update_one({}, {"$set": {"sinceVersion": 1}})

    async def all_is_swept() -> bool:
        return superseded(bad) == 0 and not collections_with_rows(api, f"cus_{ids[bad]}")

    await wait_until(all_is_swept, 60)
    told = [
        type_ for type_, _, who in await shop_without_engine.list_transitions(buyers) if who == bad
    ]
    assert told == ["ENTERED", "LEFT"]
    clicked = [type_ for type_, _, _ in await shop_without_engine.list_transitions(clickers)]
    assert clicked == ["ENTERED", "LEFT"]


async def test_a_list_stays_as_long_as_the_engine_may_read_it(
    shop_without_engine: ShopWithEngine,
) -> None:
    """A filter names a static segment, is edited, and the segment is deleted, before the engine
    reads any of it."""
    api = shop_without_engine.api
    await api.upsert("member", metadata={"vip": False})
    sent = {"name": "List", "definition": {"customers": [{"sourceId": "member"}]}}
    create = "mutation($in: SegmentCreateInput!) { segmentCreate(input: $in) { segment { id } } }"
    listed = (await api.fetch(create, **{"in": sent}))["segment"]["id"]
    inner = await shop_without_engine.create_segment(
        "Inner", {"all": [{"segment": {"id": listed}}]}
    )
    outer = await shop_without_engine.create_active_segment(
        "Outer", {"all": [{"segment": {"id": inner}}, is_true_filter("vip")]}
    )
    await api.upsert("member", metadata={"vip": True})
    await api.upsert("member", metadata={"vip": False})
    await shop_without_engine.edit_segment(inner, filter=is_true_filter("vip"))
    query = "mutation($id: ID!) { segmentDelete(id: $id) { deletedId } }"
    assert (await api.fetch(query, id=listed))["deletedId"] == listed

    async def is_swept() -> bool:
        return not collections_with_rows(api, listed)

    shop_without_engine.start_engine()
    await wait_until(is_swept)
    await shop_without_engine.wait_until_processed()
    assert await shop_without_engine.list_transitions(outer) == [
        ("ENTERED", "LIVE", "member"),
        ("LEFT", "LIVE", "member"),
    ]


async def test_it_goes_on_after_mongodb_has_failed(tmp_path: Path, valkey: Valkey) -> None:
    with running_mongod(tmp_path / "mongod", FailingMongod) as mongod:
        async with running_api(mongod, valkey) as api:
            shop = ShopWithEngine(api)
            shop.start_engine()
            await shop.wait_until_processed()
            wait_for_failures = count_failures(api.database)
            namespace = f"{api.database.name}.workers"
            with failing_commands(
                api.database, "find", mode="alwaysOn", errorCode=11600, namespace=namespace
            ):
                await asyncio.to_thread(wait_for_failures, 10)

            customer = await api.upsert("ann")
            insert_events(api, customer, 10)
            await shop.delete_customer("ann")

            async def is_swept() -> bool:
                return not collections_with_rows(api, customer)

            await wait_until(is_swept)
            await shop.stop_engine()
