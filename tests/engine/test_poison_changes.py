"""A customer who can't be settled holds up those of its partition, and nobody else."""

from typing import Any

import pytest
import structlog

from app.domain.changes import PoisonChange
from app.store.change_stream import partition_of
from tests.engine.conftest import ShopWithEngine, wait_until
from tests.engine.test_transitions import is_true_filter

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
BREAK_EVENT: dict[str, Any] = {"$set": {"sinceVersion": "the beginning"}}

# Among so many there is one in the partition of another: chance misses it once in 100,000 times.
RETRY_SECONDS = 180


async def track_click(shop: ShopWithEngine, source_id: str) -> None:
    row = {"customer": {"sourceId": source_id}, "name": "click"}
    assert (await shop.api.bulk_upsert("eventsTrack", [row]))["accepted"] == 1


def partition_of_customers(shop: ShopWithEngine) -> dict[str, int]:
    stages: list[dict[str, Any]] = [{"$set": {"partition": partition_of("$_id")}}]
    rows = shop.api.database.customers.aggregate(stages)
    return {row["sourceId"]: row["partition"] for row in rows}


async def fetch_poison_changes(shop: ShopWithEngine) -> list[PoisonChange]:
    return (await shop.api.services.engine_status.read()).poison_changes


async def test_a_blocked_partition_retries_until_the_customer_can_be_evaluated(
    shop: ShopWithEngine,
) -> None:
    vips = await shop.create_active_segment("VIPs", is_true_filter("vip"))
    clickers = await shop.create_active_segment("Clickers", {"any": [CLICKED]})
    id_ = await shop.api.upsert("bad", metadata={"vip": False})
    await track_click(shop, "bad")
    others = [f"other {number}" for number in range(RETRY_SECONDS)]
    for each in others:
        await shop.api.upsert(each, metadata={"vip": False})
    await shop.wait_until_processed()
    where = partition_of_customers(shop)
    beside = [each for each in others if where[each] == where["bad"]]
    assert beside
    shop.api.database.events.update_one({}, BREAK_EVENT)
    for vip in (True, False, True):
        await shop.api.upsert("bad", metadata={"vip": vip})
    await wait_until(lambda: is_blocked(shop))
    for each in others:
        await shop.api.upsert(each, metadata={"vip": True})

    await wait_until(lambda: shop.has_transitions(vips, len(others) - len(beside)))

    told = {who for _, _, who in await shop.list_transitions(vips)}
    assert told == set(others) - set(beside)
    (setback,) = await fetch_poison_changes(shop)
    assert (setback.partition, setback.customer_id) == (where["bad"], id_)
    assert "TypeError" in setback.error
    assert (await shop.api.services.engine_status.read()).unassigned_partition_count == 0
    await wait_until(lambda: was_tried(shop, 2))

    shop.api.database.events.update_one({}, {"$set": {"sinceVersion": 1}})
    await wait_until(lambda: shop.has_transitions(vips, len(others) + 3))
    await wait_until(lambda: has_recovered(shop))
    await shop.wait_until_processed()

    log = await shop.list_transitions(vips)
    assert sorted(who for _, _, who in log) == sorted([*others, "bad", "bad", "bad"])
    assert [type_ for type_, _, who in log if who == "bad"] == ["ENTERED", "LEFT", "ENTERED"]
    assert await shop.list_transitions(clickers) == [("ENTERED", "LIVE", "bad")]
    assert {cause for _, cause, _ in log} == {"LIVE"}


async def has_logged(logs: list[Any], event: str) -> bool:
    return any(each["event"] == event for each in logs)


async def is_blocked(shop: ShopWithEngine) -> bool:
    return bool(await fetch_poison_changes(shop))


async def was_tried(shop: ShopWithEngine, times: int) -> bool:
    return any(each.attempts >= times for each in await fetch_poison_changes(shop))


async def has_recovered(shop: ShopWithEngine) -> bool:
    return not await fetch_poison_changes(shop)


async def test_a_backfill_continues_in_the_other_partitions(shop: ShopWithEngine) -> None:
    for who in ("stumbles", "walks"):
        await shop.api.upsert(who, metadata={"level": 1})
        await track_click(shop, who)
    await shop.wait_until_processed()
    bad = shop.api.read_customer_document("stumbles")["_id"]
    shop.api.database.events.update_one({"customerId": bad}, BREAK_EVENT)
    frequent = {"event": {**CLICKED["event"], "value": 2}}

    segment = await shop.create_active_segment("Frequent", {"any": [frequent]})
    await wait_until(lambda: is_blocked(shop))
    await track_click(shop, "walks")
    await wait_until(lambda: shop.has_transitions(segment, 1))
    shop.api.database.events.update_one({"customerId": bad}, {"$set": {"sinceVersion": 1}})
    await wait_until(lambda: has_recovered(shop))
    await track_click(shop, "stumbles")
    await shop.wait_until_processed()

    assert await shop.list_transitions(segment) == [
        ("ENTERED", "LIVE", who) for who in ("walks", "stumbles")
    ]


async def test_blocked_changes_apply_definition_changes_at_their_positions(
    shop: ShopWithEngine,
) -> None:
    """Whoever changed before a segment was activated is in its baseline as of then."""
    seen = await shop.create_active_segment("Seen", is_true_filter("seen"))
    for number in range(RETRY_SECONDS):
        await shop.api.upsert(f"waits {number}", metadata={"seen": False})
    await track_click(shop, "waits 0")
    await shop.wait_until_processed()
    where = partition_of_customers(shop)
    waiting = [who for who, number in where.items() if number == where["waits 0"]]
    beside = next(who for who in waiting if who.startswith("waits ") and who != "waits 0")
    bad = shop.api.read_customer_document("waits 0")["_id"]
    shop.api.database.events.update_one({"customerId": bad}, BREAK_EVENT)
    await shop.api.upsert("waits 0", metadata={"seen": True})
    await wait_until(lambda: is_blocked(shop))
    await shop.api.upsert(beside, metadata={"seen": True})

    later = await shop.create_active_segment("Seen later", is_true_filter("seen"))
    await shop.api.upsert(beside, metadata={"seen": False})
    shop.api.database.events.update_one({"customerId": bad}, {"$set": {"sinceVersion": 1}})
    await wait_until(lambda: has_recovered(shop))
    await shop.wait_until_processed()

    assert [
        (type_, who) for type_, _, who in await shop.list_transitions(seen) if who == beside
    ] == [
        ("ENTERED", beside),
        ("LEFT", beside),
    ]
    assert await shop.list_transitions(later) == [("LEFT", "LIVE", beside)]


async def test_a_definition_that_can_t_be_read_is_reported_and_read_again(
    shop: ShopWithEngine,
) -> None:
    segment = await shop.create_active_segment("Gold", is_true_filter("gold"))
    filters = shop.api.database.activeFilters
    async with shop.engine_stopped():
        row = filters.find_one({}, sort=[("_id", 1)])
        assert row
        filters.replace_one({"_id": row["_id"]}, {**row, "filter": {"neither": "nor"}})
        await shop.api.upsert("golden", metadata={"gold": True})
    with structlog.testing.capture_logs() as logs:
        await wait_until(lambda: has_logged(logs, "the engine failed unexpectedly; retrying"))
    filters.replace_one({"_id": row["_id"]}, row)

    await wait_until(lambda: shop.has_transitions(segment, 1))
