"""From changes of customers to transitions in the log."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.domain.ids import EntityKind
from app.filters import Calendar
from app.filters.calendar import MILLISECOND, truncate_to_milliseconds
from app.services.active_filters import ActiveFilters
from app.services.definitions_reader import DefinitionsReader
from app.store.ids import to_object_id
from tests.engine.conftest import Json, ShopWithEngine, wait_until

pytestmark = pytest.mark.asyncio(loop_scope="module")


def is_true_filter(key: str) -> Json:
    return {"attribute": {"path": f"metadata.{key}", "operator": "IS", "value": True}}


def at_least_filter(key: str, minimum: int) -> Json:
    operator = "GREATER_THAN_OR_EQUAL"
    return {"attribute": {"path": f"metadata.{key}", "operator": operator, "value": minimum}}


async def test_customers_enter_and_leave_when_they_change(shop: ShopWithEngine) -> None:
    vips = await shop.create_active_segment("VIPs", is_true_filter("vip"))
    await shop.api.upsert("ann", metadata={"vip": True})
    await shop.api.upsert("ann", metadata={"vip": False})
    await shop.api.upsert("ann", metadata={"vip": True})
    await shop.wait_until_processed()

    assert await shop.list_transitions(vips) == [
        ("ENTERED", "LIVE", "ann"),
        ("LEFT", "LIVE", "ann"),
        ("ENTERED", "LIVE", "ann"),
    ]


async def test_members_at_activation_are_the_baseline(shop: ShopWithEngine) -> None:
    await shop.api.upsert("bob", metadata={"gold": True})
    await shop.api.upsert("eve", metadata={"gold": False})
    segment = await shop.create_active_segment("Gold", is_true_filter("gold"))
    await shop.api.upsert("bob", name="Bob")
    await shop.api.upsert("bob", metadata={"gold": None})
    await shop.api.upsert("eve", metadata={"gold": True})
    await shop.wait_until_processed()

    assert await shop.list_transitions(segment) == [
        ("LEFT", "LIVE", "bob"),
        ("ENTERED", "LIVE", "eve"),
    ]


async def test_a_deleted_customer_leaves(shop: ShopWithEngine) -> None:
    segment = await shop.create_active_segment("Silver", is_true_filter("silver"))
    await shop.api.upsert("dan", metadata={"silver": True})
    await shop.delete_customer("dan")
    await shop.wait_until_processed()

    assert await shop.list_transitions(segment) == [
        ("ENTERED", "LIVE", "dan"),
        ("LEFT", "DELETED", "dan"),
    ]


async def test_customers_enter_and_leave_by_time_alone_at_the_instant(shop: ShopWithEngine) -> None:
    recent = {"event": {"name": "visit", "within": {"last": "PT1S"}}}
    segment = await shop.create_active_segment("Just here", recent)
    quiet = await shop.create_active_segment(
        "Just gone", {"all": [is_true_filter("seen"), {"none": [recent]}]}
    )
    await shop.api.upsert("fay", metadata={"seen": True})
    await shop.api.bulk_upsert("eventsTrack", [{"customer": {"sourceId": "fay"}, "name": "visit"}])
    await wait_until(lambda: shop.has_transitions(quiet, 3))

    assert await shop.list_transitions(segment) == [
        ("ENTERED", "LIVE", "fay"),
        ("LEFT", "TIME", "fay"),
    ]
    assert await shop.list_transitions(quiet) == [
        ("ENTERED", "LIVE", "fay"),
        ("LEFT", "LIVE", "fay"),
        ("ENTERED", "TIME", "fay"),
    ]
    visited = shop.api.database.events.find_one({"name": "visit"})
    assert visited is not None
    left = shop.api.database.transitions.find_one({"cause": "TIME"})
    assert left is not None
    assert left["at"] == visited["at"] + timedelta(seconds=1)


@pytest.mark.parametrize("event_count", [1, 80])
async def test_an_event_enters_and_leaves_a_window_that_ends_before_now(
    shop: ShopWithEngine, event_count: int
) -> None:
    """With 80 events the engine keeps a time series."""
    name, source_id = f"glance{event_count}", f"hal{event_count}"
    window = {"ago": {"from": "PT3S", "to": "PT2S"}}
    event = {"name": name, "within": window, "value": event_count}
    segment = await shop.create_active_segment(f"A moment ago {event_count}", {"event": event})
    row = {"customer": {"sourceId": source_id}, "name": name}
    at = truncate_to_milliseconds(datetime.now(UTC))
    rows = [{**row, "at": (at - n * MILLISECOND).isoformat()} for n in range(event_count)]
    await shop.api.bulk_upsert("eventsTrack", rows)
    await wait_until(lambda: shop.has_transitions(segment, 2))

    assert await shop.list_transitions(segment) == [
        ("ENTERED", "TIME", source_id),
        ("LEFT", "TIME", source_id),
    ]
    segment_key = to_object_id(EntityKind.SEGMENT, segment)
    entered, left = shop.api.database.transitions.find({"segmentId": segment_key}).sort("_id")
    # The last event completes the number, and the first one to leave ends it.
    assert entered["at"] == at + timedelta(seconds=2)
    assert left["at"] == at - (event_count - 1) * MILLISECOND + timedelta(seconds=3)


async def test_a_superseded_state_counts_with_its_own_rows(
    shop: ShopWithEngine,
) -> None:
    """The customer buys and is deleted before the engine reads either change."""
    segment = await shop.create_active_segment(
        "Bought twice", {"event": {"name": "order", "value": 2}}
    )
    order = {"customer": {"sourceId": "gus"}, "amount": 100}
    await shop.api.bulk_upsert("ordersUpsert", [{**order, "sourceId": "g1"}])
    await shop.api.bulk_upsert("ordersUpsert", [{**order, "sourceId": "g2"}])
    await shop.api.bulk_upsert("ordersUpsert", [{**order, "sourceId": "g2", "status": "CANCELED"}])
    await shop.api.bulk_upsert("ordersUpsert", [{**order, "sourceId": "g2", "status": "PAID"}])
    await shop.delete_customer("gus")
    await shop.wait_until_processed()

    assert await shop.list_transitions(segment) == [
        ("ENTERED", "LIVE", "gus"),
        ("LEFT", "LIVE", "gus"),
        ("ENTERED", "LIVE", "gus"),
        ("LEFT", "DELETED", "gus"),
    ]


async def test_an_edit_of_a_nested_segment_moves_members_of_the_outer_one(
    shop: ShopWithEngine,
) -> None:
    await shop.api.upsert("hal", metadata={"level": 5})
    await shop.api.upsert("ida", metadata={"level": 15})
    inner = await shop.create_segment("Inner", at_least_filter("level", 10))
    outer = await shop.create_active_segment("Outer", {"all": [{"segment": {"id": inner}}]})
    await shop.edit_segment(inner, filter=at_least_filter("level", 3))
    await shop.api.upsert("ida", metadata={"level": 1})
    await shop.edit_segment(inner, filter=at_least_filter("level", 7))
    await shop.wait_until_processed()

    assert sorted(await shop.list_transitions(outer)) == sorted(
        [
            ("ENTERED", "DEFINITION", "hal"),
            ("LEFT", "LIVE", "ida"),
            ("LEFT", "DEFINITION", "hal"),
        ]
    )


async def test_a_deleted_segment_logs_nothing_more(shop: ShopWithEngine) -> None:
    segment = await shop.create_active_segment("Soon gone", is_true_filter("soon"))
    await shop.api.upsert("jim", metadata={"soon": True})
    await shop.wait_until_processed()
    await shop.api.fetch(f'mutation {{ segmentDelete(id: "{segment}") {{ deletedId }} }}')
    await shop.api.upsert("jim", metadata={"soon": False})
    again = await shop.create_active_segment("Again", is_true_filter("soon"))
    await shop.api.upsert("jim", metadata={"soon": True})
    await shop.wait_until_processed()

    assert await shop.list_transitions(segment) == [("ENTERED", "LIVE", "jim")]
    assert await shop.list_transitions(again) == [("ENTERED", "LIVE", "jim")]


@pytest.mark.asyncio(loop_scope="function")
async def test_due_timers_without_active_filters_are_removed(
    shop_without_engine: ShopWithEngine,
) -> None:
    recent = {"attribute": {"path": "createdAt", "operator": "WITHIN_LAST", "value": "PT4S"}}
    segment, database = (
        await shop_without_engine.create_active_segment("New", recent),
        shop_without_engine.api.database,
    )
    shop_without_engine.start_engine()
    await shop_without_engine.api.upsert("joe")
    await shop_without_engine.wait_until_processed()
    assert (
        database.membershipStates.count_documents({"nextTimerAt": {"$gt": datetime.now(UTC)}}) == 1
    )
    await shop_without_engine.api.fetch(
        f'mutation {{ segmentDelete(id: "{segment}") {{ deletedId }} }}'
    )

    async def is_forgotten() -> bool:
        return database.activeFilters.count_documents({}) == 0

    await wait_until(is_forgotten)
    await shop_without_engine.stop_engine()
    shop_without_engine.start_engine()

    async def is_done_with() -> bool:
        return database.membershipStates.count_documents({"nextTimerAt": {"$ne": None}}) == 0

    await wait_until(is_done_with)


async def test_tombstones_are_removed_once_logged(shop: ShopWithEngine) -> None:
    id_ = await shop.api.upsert("kim", metadata={"gone": True})
    who = {"customer": {"sourceId": "kim"}}
    await shop.api.bulk_upsert("eventsTrack", [{**who, "name": "visit"}])
    await shop.api.bulk_upsert("ordersUpsert", [{**who, "sourceId": "k1", "amount": 1}])
    await shop.delete_customer("kim")

    async def is_forgotten() -> bool:
        kept = {**shop.api.dump(), "transitions": []}
        return id_.removeprefix("cus_") not in str(kept)

    await wait_until(is_forgotten)


async def test_another_time_zone_is_a_definition_change(shop: ShopWithEngine) -> None:
    now = datetime.now(UTC)
    await shop.api.upsert("lea", metadata={})
    today = {"path": "createdAt", "operator": "ON", "value": now.date().isoformat()}
    segment = await shop.create_active_segment("Came on this day", {"attribute": today})
    await shop.wait_until_processed()
    elsewhere = ZoneInfo("Pacific/Midway" if now.hour < 11 else "Pacific/Kiritimati")
    reader = DefinitionsReader(shop.api.services.store, Calendar(elsewhere))
    await ActiveFilters(shop.api.services.store).apply_project_calendar(reader)
    await shop.wait_until_processed()
    await ActiveFilters(shop.api.services.store).apply_project_calendar(
        shop.api.services.definitions
    )
    await shop.wait_until_processed()

    assert [row for row in await shop.list_transitions(segment) if row[2] == "lea"] == [
        ("LEFT", "DEFINITION", "lea"),
        ("ENTERED", "DEFINITION", "lea"),
    ]


async def test_a_transition_has_the_name_that_the_segment_had(shop: ShopWithEngine) -> None:
    segment = await shop.create_active_segment("Old name", is_true_filter("named"))
    await shop.api.upsert("max", metadata={"named": True})
    await shop.wait_until_processed()
    await shop.edit_segment(segment, name="New name")
    await shop.api.upsert("max", metadata={"named": False})
    await shop.wait_until_processed()

    found = shop.api.database.transitions.find({"customerSourceId": "max"}).sort("_id", 1)
    assert [row["segmentName"] for row in found if "name" in row["segmentName"]] == [
        "Old name",
        "New name",
    ]
