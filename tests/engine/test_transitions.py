"""What a customer does, and what the log tells of it."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.filters import Calendar
from app.services.active_filters import ActiveFilters
from app.services.definitions import DefinitionsReader
from tests.engine.conftest import Json, Shop, until

pytestmark = pytest.mark.asyncio(loop_scope="module")


def is_true(key: str) -> Json:
    return {"attribute": {"path": f"metadata.{key}", "operator": "IS", "value": True}}


def at_least(key: str, value: int) -> Json:
    operator = "GREATER_THAN_OR_EQUAL"
    return {"attribute": {"path": f"metadata.{key}", "operator": operator, "value": value}}


async def test_who_becomes_one_enters_and_who_ceases_to_leaves(shop: Shop) -> None:
    vips = await shop.active("VIPs", is_true("vip"))
    await shop.api.upsert("ann", metadata={"vip": True})
    await shop.api.upsert("ann", metadata={"vip": False})
    await shop.api.upsert("ann", metadata={"vip": True})
    await shop.settled()

    assert await shop.log(vips) == [
        ("ENTERED", "LIVE", "ann"),
        ("LEFT", "LIVE", "ann"),
        ("ENTERED", "LIVE", "ann"),
    ]


async def test_members_at_activation_are_the_baseline(shop: Shop) -> None:
    await shop.api.upsert("bob", metadata={"gold": True})
    await shop.api.upsert("eve", metadata={"gold": False})
    segment = await shop.active("Gold", is_true("gold"))
    await shop.api.upsert("bob", name="Bob")
    await shop.api.upsert("bob", metadata={"gold": None})
    await shop.api.upsert("eve", metadata={"gold": True})
    await shop.settled()

    assert await shop.log(segment) == [("LEFT", "LIVE", "bob"), ("ENTERED", "LIVE", "eve")]


async def test_who_is_deleted_leaves(shop: Shop) -> None:
    segment = await shop.active("Silver", is_true("silver"))
    await shop.api.upsert("dan", metadata={"silver": True})
    await shop.delete("dan")
    await shop.settled()

    assert await shop.log(segment) == [("ENTERED", "LIVE", "dan"), ("LEFT", "DELETED", "dan")]


async def test_time_alone_lets_enter_and_leave_at_the_instant(shop: Shop) -> None:
    recent = {"event": {"name": "visit", "within": {"last": "PT1S"}}}
    segment = await shop.active("Just here", recent)
    quiet = await shop.active("Just gone", {"all": [is_true("seen"), {"none": [recent]}]})
    await shop.api.upsert("fay", metadata={"seen": True})
    await shop.api.many("eventsTrack", [{"customer": {"sourceId": "fay"}, "name": "visit"}])
    await until(lambda: shop.has(quiet, 3))

    assert await shop.log(segment) == [("ENTERED", "LIVE", "fay"), ("LEFT", "TIME", "fay")]
    assert await shop.log(quiet) == [
        ("ENTERED", "LIVE", "fay"),
        ("LEFT", "LIVE", "fay"),
        ("ENTERED", "TIME", "fay"),
    ]
    visited = shop.api.database.events.find_one({"name": "visit"})
    assert visited is not None
    left = shop.api.database.transitions.find_one({"cause": "TIME"})
    assert left is not None
    assert left["at"] == visited["at"] + timedelta(seconds=1)


async def test_a_state_that_is_over_already_counts_with_the_rows_it_had(shop: Shop) -> None:
    """Bought, and deleted before the engine has heard of either."""
    segment = await shop.active("Bought twice", {"event": {"name": "order", "value": 2}})
    order = {"customer": {"sourceId": "gus"}, "amount": 100}
    await shop.api.many("ordersUpsert", [{**order, "sourceId": "g1"}])
    await shop.api.many("ordersUpsert", [{**order, "sourceId": "g2"}])
    await shop.api.many("ordersUpsert", [{**order, "sourceId": "g2", "status": "CANCELED"}])
    await shop.api.many("ordersUpsert", [{**order, "sourceId": "g2", "status": "PAID"}])
    await shop.delete("gus")
    await shop.settled()

    assert await shop.log(segment) == [
        ("ENTERED", "LIVE", "gus"),
        ("LEFT", "LIVE", "gus"),
        ("ENTERED", "LIVE", "gus"),
        ("LEFT", "DELETED", "gus"),
    ]


async def test_an_edit_of_a_segment_inside_moves_members_of_the_outer_one(shop: Shop) -> None:
    await shop.api.upsert("hal", metadata={"level": 5})
    await shop.api.upsert("ida", metadata={"level": 15})
    inner = await shop.segment("Inner", at_least("level", 10))
    outer = await shop.active("Outer", {"all": [{"segment": {"id": inner}}]})
    await shop.edit(inner, filter=at_least("level", 3))
    await shop.api.upsert("ida", metadata={"level": 1})
    await shop.edit(inner, filter=at_least("level", 7))
    await shop.settled()

    assert sorted(await shop.log(outer)) == sorted(
        [
            ("ENTERED", "DEFINITION", "hal"),
            ("LEFT", "LIVE", "ida"),
            ("LEFT", "DEFINITION", "hal"),
        ]
    )


async def test_a_deleted_segment_tells_nothing_more(shop: Shop) -> None:
    segment = await shop.active("Soon gone", is_true("soon"))
    await shop.api.upsert("jim", metadata={"soon": True})
    await shop.settled()
    await shop.api.ask(f'mutation {{ segmentDelete(id: "{segment}") {{ deletedId }} }}')
    await shop.api.upsert("jim", metadata={"soon": False})
    again = await shop.active("Again", is_true("soon"))
    await shop.api.upsert("jim", metadata={"soon": True})
    await shop.settled()

    assert await shop.log(segment) == [("ENTERED", "LIVE", "jim")]
    assert await shop.log(again) == [("ENTERED", "LIVE", "jim")]


@pytest.mark.asyncio(loop_scope="function")
async def test_whose_time_comes_when_nothing_is_watched_any_more_is_done_with(alone: Shop) -> None:
    recent = {"attribute": {"path": "createdAt", "operator": "WITHIN_LAST", "value": "PT4S"}}
    segment, database = await alone.active("New", recent), alone.api.database
    alone.wake()
    await alone.api.upsert("joe")
    await alone.settled()
    assert database.states.count_documents({"wakesAt": {"$gt": datetime.now(UTC)}}) == 1
    await alone.api.ask(f'mutation {{ segmentDelete(id: "{segment}") {{ deletedId }} }}')

    async def is_forgotten() -> bool:
        return database.activeFilters.count_documents({}) == 0

    await until(is_forgotten)
    await alone.sleep()
    alone.wake()

    async def is_done_with() -> bool:
        return database.states.count_documents({"wakesAt": {"$ne": None}}) == 0

    await until(is_done_with)


async def test_what_the_deleted_have_left_is_removed_once_it_is_told(shop: Shop) -> None:
    id_ = await shop.api.upsert("kim", metadata={"gone": True})
    who = {"customer": {"sourceId": "kim"}}
    await shop.api.many("eventsTrack", [{**who, "name": "visit"}])
    await shop.api.many("ordersUpsert", [{**who, "sourceId": "k1", "amount": 1}])
    await shop.delete("kim")

    async def is_forgotten() -> bool:
        kept = {**shop.api.dump(), "transitions": []}
        return id_.removeprefix("cus_") not in str(kept)

    await until(is_forgotten)


async def test_another_time_zone_is_another_definition(shop: Shop) -> None:
    now = datetime.now(UTC)
    await shop.api.upsert("lea", metadata={})
    today = {"path": "createdAt", "operator": "ON", "value": now.date().isoformat()}
    segment = await shop.active("Came on this day", {"attribute": today})
    await shop.settled()
    elsewhere = ZoneInfo("Pacific/Midway" if now.hour < 11 else "Pacific/Kiritimati")
    reader = DefinitionsReader(shop.api.services.store, Calendar(elsewhere))
    await ActiveFilters(shop.api.services.store).adopt(reader)
    await shop.settled()
    await ActiveFilters(shop.api.services.store).adopt(shop.api.services.definitions)
    await shop.settled()

    assert [each for each in await shop.log(segment) if each[2] == "lea"] == [
        ("LEFT", "DEFINITION", "lea"),
        ("ENTERED", "DEFINITION", "lea"),
    ]


async def test_a_transition_has_the_name_that_the_segment_had(shop: Shop) -> None:
    segment = await shop.active("Old name", is_true("named"))
    await shop.api.upsert("max", metadata={"named": True})
    await shop.settled()
    await shop.edit(segment, name="New name")
    await shop.api.upsert("max", metadata={"named": False})
    await shop.settled()

    found = shop.api.database.transitions.find({"customerSourceId": "max"}).sort("_id", 1)
    assert [row["segmentName"] for row in found if "name" in row["segmentName"]] == [
        "Old name",
        "New name",
    ]
