"""A customer who can't be settled holds up those of its partition, and nobody else."""

from typing import Any

import pytest
import structlog

from app.domain.changes import Setback
from app.store.stream import partition_of
from tests.engine.conftest import Shop, until
from tests.engine.test_transitions import is_true

pytestmark = pytest.mark.asyncio(loop_scope="module")

# A window: what the customer's own document tells needs no rows.
CLICKED = {
    "event": {
        "name": "click",
        "within": {"last": "P3650D"},
        "operator": "GREATER_THAN_OR_EQUAL",
        "value": 1,
    }
}
# No state of a customer includes or excludes a row that says this of itself.
BROKEN: dict[str, Any] = {"$set": {"since": "the beginning"}}

# Among so many there is one in the partition of another: chance misses it once in 100,000 times.
_ENOUGH = 180


async def clicks(shop: Shop, source_id: str) -> None:
    row = {"customer": {"sourceId": source_id}, "name": "click"}
    assert (await shop.api.many("eventsTrack", [row]))["accepted"] == 1


def partitions(shop: Shop) -> dict[str, int]:
    stages: list[dict[str, Any]] = [{"$set": {"partition": partition_of("$_id")}}]
    rows = shop.api.database.customers.aggregate(stages)
    return {row["sourceId"]: row["partition"] for row in rows}


async def setbacks(shop: Shop) -> list[Setback]:
    return (await shop.api.services.engine_status.now()).setbacks


async def test_it_waits_and_is_tried_again_until_it_can_be_settled(shop: Shop) -> None:
    vips = await shop.active("VIPs", is_true("vip"))
    clickers = await shop.active("Clickers", {"any": [CLICKED]})
    id_ = await shop.api.upsert("bad", metadata={"vip": False})
    await clicks(shop, "bad")
    others = [f"other {number}" for number in range(_ENOUGH)]
    for each in others:
        await shop.api.upsert(each, metadata={"vip": False})
    await shop.settled()
    where = partitions(shop)
    beside = [each for each in others if where[each] == where["bad"]]
    assert beside
    shop.api.database.events.update_one({}, BROKEN)
    for vip in (True, False, True):
        await shop.api.upsert("bad", metadata={"vip": vip})
    await until(lambda: is_set_back(shop))
    for each in others:
        await shop.api.upsert(each, metadata={"vip": True})

    await until(lambda: shop.has(vips, len(others) - len(beside)))

    told = {who for _, _, who in await shop.log(vips)}
    assert told == set(others) - set(beside)
    (setback,) = await setbacks(shop)
    assert (setback.partition, setback.customer_id) == (where["bad"], id_)
    assert "TypeError" in setback.error
    assert (await shop.api.services.engine_status.now()).unheld == 0
    await until(lambda: was_tried(shop, 2))

    shop.api.database.events.update_one({}, {"$set": {"since": 1}})
    await until(lambda: shop.has(vips, len(others) + 3))
    await until(lambda: recovered(shop))
    await shop.settled()

    log = await shop.log(vips)
    assert sorted(who for _, _, who in log) == sorted([*others, "bad", "bad", "bad"])
    assert [type_ for type_, _, who in log if who == "bad"] == ["ENTERED", "LEFT", "ENTERED"]
    assert await shop.log(clickers) == [("ENTERED", "LIVE", "bad")]
    assert {cause for _, cause, _ in log} == {"LIVE"}


async def said(logs: list[Any], event: str) -> bool:
    return any(each["event"] == event for each in logs)


async def is_set_back(shop: Shop) -> bool:
    return bool(await setbacks(shop))


async def was_tried(shop: Shop, times: int) -> bool:
    return any(each.tries >= times for each in await setbacks(shop))


async def recovered(shop: Shop) -> bool:
    return not await setbacks(shop)


async def test_a_pass_over_all_customers_goes_on_in_the_other_partitions(shop: Shop) -> None:
    for who in ("stumbles", "walks"):
        await shop.api.upsert(who, metadata={"level": 1})
        await clicks(shop, who)
    await shop.settled()
    bad = shop.api.stored("stumbles")["_id"]
    shop.api.database.events.update_one({"customerId": bad}, BROKEN)
    frequent = {"event": {**CLICKED["event"], "value": 2}}

    segment = await shop.active("Frequent", {"any": [frequent]})
    await until(lambda: is_set_back(shop))
    await clicks(shop, "walks")
    await until(lambda: shop.has(segment, 1))
    shop.api.database.events.update_one({"customerId": bad}, {"$set": {"since": 1}})
    await until(lambda: recovered(shop))
    await clicks(shop, "stumbles")
    await shop.settled()

    assert await shop.log(segment) == [("ENTERED", "LIVE", who) for who in ("walks", "stumbles")]


async def test_what_waited_comes_by_the_steps_of_the_others_in_their_places(shop: Shop) -> None:
    """Whoever changed before a segment was activated is in its baseline as of then."""
    seen = await shop.active("Seen", is_true("seen"))
    for number in range(_ENOUGH):
        await shop.api.upsert(f"waits {number}", metadata={"seen": False})
    await clicks(shop, "waits 0")
    await shop.settled()
    where = partitions(shop)
    waiting = [who for who, number in where.items() if number == where["waits 0"]]
    beside = next(who for who in waiting if who.startswith("waits ") and who != "waits 0")
    bad = shop.api.stored("waits 0")["_id"]
    shop.api.database.events.update_one({"customerId": bad}, BROKEN)
    await shop.api.upsert("waits 0", metadata={"seen": True})
    await until(lambda: is_set_back(shop))
    await shop.api.upsert(beside, metadata={"seen": True})

    later = await shop.active("Seen later", is_true("seen"))
    await shop.api.upsert(beside, metadata={"seen": False})
    shop.api.database.events.update_one({"customerId": bad}, {"$set": {"since": 1}})
    await until(lambda: recovered(shop))
    await shop.settled()

    assert [(type_, who) for type_, _, who in await shop.log(seen) if who == beside] == [
        ("ENTERED", beside),
        ("LEFT", beside),
    ]
    assert await shop.log(later) == [("LEFT", "LIVE", beside)]


async def test_a_definition_that_can_t_be_read_is_reported_and_read_again(shop: Shop) -> None:
    segment = await shop.active("Gold", is_true("gold"))
    filters = shop.api.database.activeFilters
    async with shop.asleep():
        row = filters.find_one({}, sort=[("_id", 1)])
        assert row
        filters.replace_one({"_id": row["_id"]}, {**row, "filter": {"neither": "nor"}})
        await shop.api.upsert("golden", metadata={"gold": True})
    with structlog.testing.capture_logs() as logs:
        await until(lambda: said(logs, "the engine stumbles"))
    filters.replace_one({"_id": row["_id"]}, row)

    await until(lambda: shop.has(segment, 1))
