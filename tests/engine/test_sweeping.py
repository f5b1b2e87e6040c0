"""What the sweeper removes, what it leaves for the engine, and that a killed one is taken over."""

import asyncio
import os
import signal
from pathlib import Path

from bson import ObjectId

from tests.api import Api, Json
from tests.engine.conftest import Shop, until
from tests.engine.model.world import Worker
from tests.engine.test_setbacks import BROKEN, CLICKED, clicks, partitions
from tests.engine.test_transitions import is_true

_EVENTS, _ENTRANCES = 10_000, 10_000
_BOUGHT_TWICE: Json = {"event": {"name": "order", "value": 2}}


def fill(api: Api, customer: str, number: int) -> None:
    """Gives the customer so many events, each with a key."""
    owner, at = ObjectId(customer[4:]), api.services.now().at
    event = {"customerId": owner, "name": "visited", "at": at, "properties": {}, "since": 1}
    api.database.events.insert_many(
        {**event, "_id": ObjectId(), "idempotencyKey": f"{customer} {n}"} for n in range(number)
    )


def left(api: Api, id_: str) -> set[str]:
    """The collections that still name the customer or segment, apart from the log and from what
    tells other processes of a deletion."""
    key = ObjectId(id_[4:])
    fields = ("_id", "customerId", "segmentId", "_id.segment")
    named = {"$or": [{field: key} for field in fields]}
    names = {*api.database.list_collection_names()} - {"transitions", "deletedSegments"}
    return {name for name in names if api.database[name].find_one(named)}


async def large(shop: Shop) -> tuple[str, str]:
    """A customer and an active segment, each with many rows, deleted."""
    api = shop.api
    customer = await api.upsert("large", metadata={"vip": True})
    fill(api, customer, _EVENTS)
    await api.many("ordersUpsert", [{"customer": {"id": customer}, "sourceId": "o", "amount": 1}])
    segment = await shop.active("Large", is_true("vip"))
    at = api.services.now().at
    api.database.entrances.insert_many(
        {"segmentId": ObjectId(segment[4:]), "customerId": ObjectId(), "at": at}
        for _ in range(_ENTRANCES)
    )
    await shop.delete("large")
    query = "mutation($id: ID!) { segmentDelete(id: $id) { deletedId } }"
    assert (await api.ask(query, id=segment))["deletedId"] == segment
    assert {"events", "orders", "customerTombstones"} <= left(api, customer)
    assert {"entrances", "segmentTombstones"} <= left(api, segment)
    return customer, segment


async def test_a_sweeper_that_is_killed_is_taken_over(alone: Shop, tmp_path: Path) -> None:
    api = alone.api
    other = await api.upsert("other")
    fill(api, other, 10)
    customer, segment = await large(alone)
    rows = {"customerId": ObjectId(customer[4:])}
    worker = Worker(tmp_path, 0, api.settings)
    worker.start()
    try:

        async def is_begun() -> bool:
            return api.database.events.count_documents(rows) < _EVENTS

        await until(is_begun, 60)
        assert worker.pid
        os.kill(worker.pid, signal.SIGKILL)
    finally:
        await asyncio.to_thread(worker.stop)
    assert 0 < api.database.events.count_documents(rows) < _EVENTS
    assert "customerTombstones" in left(api, customer)

    async def is_done() -> bool:
        return not left(api, customer) and not left(api, segment)

    alone.wake()
    await until(is_done, 60)
    assert api.database.events.count_documents({}) == 10
    assert (await api.customer("other", "id"))["id"] == other


async def test_superseded_revisions_go_once_the_engine_has_processed_them(alone: Shop) -> None:
    api, rows = alone.api, alone.api.database.orders
    segment = await alone.active("Bought twice", _BOUGHT_TWICE)
    for status in ("PAID", "CANCELED") * 10:
        who = {"customer": {"sourceId": "ann"}}
        orders = [{**who, "sourceId": f"a{n}", "amount": 1, "status": status} for n in range(2)]
        await api.many("ordersUpsert", orders)
    assert rows.count_documents({}) == 40

    async def is_swept() -> bool:
        return rows.count_documents({"until": {"$exists": True}}) == 0

    alone.wake()
    await until(is_swept)
    await alone.settled()
    log = await alone.log(segment)
    assert [type_ for type_, _, _ in log] == ["ENTERED", "LEFT"] * 10
    assert rows.count_documents({"current": True}) == rows.count_documents({}) == 2


async def test_rows_that_a_quarantined_partition_needs_stay(alone: Shop) -> None:
    """One customer of two in different partitions can't be processed."""
    api = alone.api
    clickers = await alone.active("Clickers", {"any": [CLICKED]})
    buyers = await alone.active("Bought twice", _BOUGHT_TWICE)
    await api.many("customersUpsert", [{"sourceId": f"c{n}"} for n in range(20)])
    where = partitions(alone)
    bad = "c0"
    beside = next(who for who in where if where[who] != where[bad])
    await clicks(alone, bad)
    api.database.events.update_one({}, BROKEN)
    for who in (bad, beside):
        for status in ("PAID", "CANCELED"):
            orders = [
                {"customer": {"sourceId": who}, "sourceId": f"{who} {n}", "amount": 1}
                | {"status": status}
                for n in range(2)
            ]
            await api.many("ordersUpsert", orders)
    ids = {who: api.stored(who)["_id"] for who in (bad, beside)}
    await alone.delete(bad)

    def superseded(who: str) -> int:
        query = {"customerId": ids[who], "until": {"$exists": True}}
        return api.database.orders.count_documents(query)

    async def is_swept() -> bool:
        return superseded(beside) == 0

    alone.wake()
    await until(is_swept, 30)
    assert superseded(bad) == 2
    assert {"events", "orders", "customerTombstones"} <= left(api, f"cus_{ids[bad]}")

    api.database.events.update_one({}, {"$set": {"since": 1}})

    async def all_is_swept() -> bool:
        return superseded(bad) == 0 and not left(api, f"cus_{ids[bad]}")

    await until(all_is_swept, 60)
    told = [type_ for type_, _, who in await alone.log(buyers) if who == bad]
    assert told == ["ENTERED", "LEFT"]
    clicked = [type_ for type_, _, _ in await alone.log(clickers)]
    assert clicked == ["ENTERED", "LEFT"]


async def test_a_list_stays_as_long_as_the_engine_may_ask_for_it(alone: Shop) -> None:
    """A filter named it, was edited, and the list was deleted: the engine hears of all at once."""
    api = alone.api
    await api.upsert("member", metadata={"vip": False})
    sent = {"name": "List", "definition": {"customers": [{"sourceId": "member"}]}}
    create = "mutation($in: SegmentCreateInput!) { segmentCreate(input: $in) { segment { id } } }"
    listed = (await api.ask(create, **{"in": sent}))["segment"]["id"]
    inner = await alone.segment("Inner", {"all": [{"segment": {"id": listed}}]})
    outer = await alone.active("Outer", {"all": [{"segment": {"id": inner}}, is_true("vip")]})
    await api.upsert("member", metadata={"vip": True})
    await api.upsert("member", metadata={"vip": False})
    await alone.edit(inner, filter=is_true("vip"))
    query = "mutation($id: ID!) { segmentDelete(id: $id) { deletedId } }"
    assert (await api.ask(query, id=listed))["deletedId"] == listed

    async def is_swept() -> bool:
        return not left(api, listed)

    alone.wake()
    await until(is_swept)
    await alone.settled()
    assert await alone.log(outer) == [("ENTERED", "LIVE", "member"), ("LEFT", "LIVE", "member")]
