"""A poison change blocks the customers of its partition only, until its data is repaired."""

from typing import Any

import pytest
import structlog

from app.domain.progress import PoisonChange
from app.store.change_stream import partition_of
from tests.engine.conftest import ShopWithEngine, has_logged, wait_until
from tests.engine.test_transitions import is_true_filter

pytestmark = pytest.mark.asyncio(loop_scope="module")

# With a window, so that the engine reads rows: the summary in the document is not enough.
CLICKED = {
    "event": {
        "name": "click",
        "within": {"last": "P3650D"},
        "operator": "GREATER_THAN_OR_EQUAL",
        "value": 1,
    }
}
# The engine can't compare this with the version of a customer.
BREAK_EVENT: dict[str, Any] = {"$set": {"sinceVersion": "the beginning"}}

# Enough that one of them shares the partition of a given customer, but for one run in 100,000.
OTHER_CUSTOMERS = 180


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
    others = [f"other {number}" for number in range(OTHER_CUSTOMERS)]
    for source_id in others:
        await shop.api.upsert(source_id, metadata={"vip": False})
    await shop.wait_until_processed()
    partitions = partition_of_customers(shop)
    blocked = [source_id for source_id in others if partitions[source_id] == partitions["bad"]]
    assert blocked
    shop.api.database.events.update_one({}, BREAK_EVENT)
    for vip in (True, False, True):
        await shop.api.upsert("bad", metadata={"vip": vip})
    await wait_until(lambda: is_blocked(shop))
    for source_id in others:
        await shop.api.upsert(source_id, metadata={"vip": True})

    await wait_until(lambda: shop.has_transitions(vips, len(others) - len(blocked)))

    entered = {source_id for _, _, source_id in await shop.list_transitions(vips)}
    assert entered == set(others) - set(blocked)
    (poison_change,) = await fetch_poison_changes(shop)
    assert (poison_change.partition, poison_change.customer_id) == (partitions["bad"], id_)
    assert "TypeError" in poison_change.error
    assert (await shop.api.services.engine_status.read()).unassigned_partition_count == 0
    await wait_until(lambda: was_tried(shop, 2))

    shop.api.database.events.update_one({}, {"$set": {"sinceVersion": 1}})
    await wait_until(lambda: shop.has_transitions(vips, len(others) + 3))
    await wait_until(lambda: has_recovered(shop))
    await shop.wait_until_processed()

    log = await shop.list_transitions(vips)
    assert sorted(source_id for _, _, source_id in log) == sorted([*others, "bad", "bad", "bad"])
    assert [type_ for type_, _, source_id in log if source_id == "bad"] == [
        "ENTERED",
        "LEFT",
        "ENTERED",
    ]
    assert await shop.list_transitions(clickers) == [("ENTERED", "LIVE", "bad")]
    assert {cause for _, cause, _ in log} == {"LIVE"}


async def is_blocked(shop: ShopWithEngine) -> bool:
    return bool(await fetch_poison_changes(shop))


async def was_tried(shop: ShopWithEngine, times: int) -> bool:
    return any(change.attempts >= times for change in await fetch_poison_changes(shop))


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
    """A customer that changed before the activation of a segment is in its baseline, in this
    state."""
    seen = await shop.create_active_segment("Seen", is_true_filter("seen"))
    for number in range(OTHER_CUSTOMERS):
        await shop.api.upsert(f"waits {number}", metadata={"seen": False})
    await track_click(shop, "waits 0")
    await shop.wait_until_processed()
    partitions = partition_of_customers(shop)
    blocked = next(
        source_id
        for source_id, partition in partitions.items()
        if partition == partitions["waits 0"]
        and source_id.startswith("waits ")
        and source_id != "waits 0"
    )
    bad = shop.api.read_customer_document("waits 0")["_id"]
    shop.api.database.events.update_one({"customerId": bad}, BREAK_EVENT)
    await shop.api.upsert("waits 0", metadata={"seen": True})
    await wait_until(lambda: is_blocked(shop))
    await shop.api.upsert(blocked, metadata={"seen": True})

    later = await shop.create_active_segment("Seen later", is_true_filter("seen"))
    await shop.api.upsert(blocked, metadata={"seen": False})
    shop.api.database.events.update_one({"customerId": bad}, {"$set": {"sinceVersion": 1}})
    await wait_until(lambda: has_recovered(shop))
    await shop.wait_until_processed()

    assert [
        (type_, source_id)
        for type_, _, source_id in await shop.list_transitions(seen)
        if source_id == blocked
    ] == [
        ("ENTERED", blocked),
        ("LEFT", blocked),
    ]
    assert await shop.list_transitions(later) == [("LEFT", "LIVE", blocked)]


async def test_an_unreadable_definition_is_reported_and_read_again(
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
